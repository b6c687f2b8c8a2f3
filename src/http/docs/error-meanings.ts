/** What each error means and what a caller can do about it: for the description of the API and for docs/errors.md. */
import { ERROR_TABLE, type ErrorCode } from '../../protocol/errors.ts';

export interface ErrorMeaning {
  readonly meaning: string;
  readonly remedy: string;
}

const of = (meaning: string, remedy: string): ErrorMeaning => ({ meaning, remedy });

export const ERROR_MEANINGS: Readonly<Record<ErrorCode, ErrorMeaning>> = {
  TASK_NOT_FOUND: of(
    'There is no such task, or it belongs to somebody else: the two cannot be told apart.',
    'Check the id, the key and the address of the agent.',
  ),
  TASK_NOT_CANCELABLE: of('The task has ended already.', 'Get the task and look at its state.'),
  PUSH_NOTIFICATION_NOT_SUPPORTED: of(
    'The card of the agent does not declare push notifications, or `push.enabled` is `false`.',
    'Follow the stream of the task, or get the task now and then.',
  ),
  UNSUPPORTED_OPERATION: of(
    'The agent does not support the operation, or the state of the task does not allow it.',
    'The message says which. A message to a task that has ended needs a new task.',
  ),
  CONTENT_TYPE_NOT_SUPPORTED: of(
    'The agent does not take the media type of a part.',
    'Send one of the input modes of its card.',
  ),
  INVALID_AGENT_RESPONSE: of(
    'The agent gave an answer that is no valid A2A.',
    'Report it to whoever runs the agent, with the request id.',
  ),
  EXTENDED_AGENT_CARD_NOT_CONFIGURED: of('The agent declares an extended card, but has none.', 'Use the public card.'),
  EXTENSION_SUPPORT_REQUIRED: of(
    'The card requires an extension that the request does not activate.',
    'Name its URI in the header `A2A-Extensions`.',
  ),
  VERSION_NOT_SUPPORTED: of(
    'The request asks for a version of A2A that this server does not speak.',
    'Send `A2A-Version: 1.0` or `A2A-Version: 0.3`.',
  ),
  PARSE_ERROR: of('The body is not JSON.', 'Send JSON in UTF-8.'),
  INVALID_REQUEST: of(
    'The request is not valid HTTP or JSON-RPC 2.0, or is addressed to a host that this server does not answer to.',
    'The message says what is wrong.',
  ),
  METHOD_NOT_FOUND: of(
    'The version of the request has no such JSON-RPC method.',
    'Where it is a method of the other version, the message names the header to send.',
  ),
  INVALID_PARAMS: of(
    'Fields of the request are missing or not valid. Nothing was stored.',
    '`fieldViolations` names each field by its path.',
  ),
  INTERNAL: of(
    'A fault of the server. Its reason is in the log of the server, never in the answer.',
    'Report it with the request id.',
  ),
  UNAUTHENTICATED: of(
    'There is no credential, or it is unknown, expired, disabled or revoked.',
    'Send `Authorization: Bearer KEY` or `x-api-key: KEY`.',
  ),
  PERMISSION_DENIED: of(
    'The key lacks a scope or may not use the agent; or the page that calls is of a foreign origin.',
    'The message names what is missing.',
  ),
  NOT_FOUND: of('There is no such agent, path or resource.', 'Check the address.'),
  METHOD_NOT_ALLOWED: of('The path is there, with other methods.', 'The header `Allow` names them.'),
  IDEMPOTENCY_CONFLICT: of(
    'The `Idempotency-Key` was used with another message before.',
    'Use a new key for a new message.',
  ),
  CONFLICT: of('Somebody else changed the resource at the same time.', 'Read it again, then decide.'),
  REQUEST_TIMEOUT: of(
    'The request did not arrive whole within `server.requestTimeoutMs`.',
    'Send it again, on a better connection; raise the limit where large files come over slow lines.',
  ),
  PAYLOAD_TOO_LARGE: of(
    'The body or the message is larger than a limit of the server, which the message names.',
    'Send less, or refer to content by URL.',
  ),
  UNSUPPORTED_MEDIA_TYPE: of(
    'The body has another media type.',
    'Send `Content-Type: application/json` or `application/a2a+json`.',
  ),
  RATE_LIMITED: of('Too many requests in this minute.', 'Wait for the seconds in `Retry-After`.'),
  LIMIT_EXCEEDED: of(
    'A limit of the server is reached (tasks running, open streams, ...), which the message names.',
    'Wait for the seconds in `Retry-After`, or ask the operator to raise the limit.',
  ),
  EVENT_ID_OUT_OF_RANGE: of(
    '`Last-Event-ID` is above the last event of the task.',
    'Subscribe without it: the stream then begins with the whole task.',
  ),
  HEADERS_TOO_LARGE: of('The head of the request is too large.', 'Send fewer or shorter headers.'),
  DECRYPTION_FAILED: of(
    'A stored secret was changed outside Parley, or was encrypted with a key that the server was not given.',
    'Give the server the encryption key with which the data was written, or store the secret anew.',
  ),
  UNAVAILABLE: of(
    'The server is stopping, or could not store the change. Nothing of the step was kept, unless `metadata` has a `taskId`: that task is stored, and goes on.',
    'Try again, with the same `Idempotency-Key` or `messageId`. Where there is a `taskId`, ask for that with GetTask.',
  ),
};

const INTRODUCTION = `# Errors

<!-- Written from src/protocol/errors.ts and src/http/docs/error-meanings.ts.
     After a change there: npx vitest run src/http/docs -u -->

Every error has one name, in every transport and version. It is the \`reason\` of the error's details.

## Where it is found

**REST, and every path outside \`/a2a\`**: the HTTP status of the table, and

\`\`\`json
{
  "error": {
    "code": 404,
    "status": "NOT_FOUND",
    "message": "Task not found",
    "details": [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "TASK_NOT_FOUND",
        "domain": "a2a-protocol.org",
        "metadata": { "taskId": "no-such-task" }
      }
    ]
  }
}
\`\`\`

**JSON-RPC**: \`error.code\` is the number of the table, and \`error.data\` is the same list of details. What is refused
before an operation runs has the HTTP status of the table; what an operation answers has HTTP status 200.

**A2A 0.3**: \`data\` is one object instead of a list. REST answers are \`{"code", "message", "error", "data"}\`, with the
JSON-RPC number as \`code\`. \`VERSION_NOT_SUPPORTED\` and \`EXTENSION_SUPPORT_REQUIRED\`, which 0.3 does not have, are -32004
there. A version that is not supported is answered in the form of 1.0.

## Details

| \`@type\` (after \`type.googleapis.com/google.rpc.\`) | when | what it holds |
|---|---|---|
| \`ErrorInfo\` | always, first | \`reason\`, \`domain\` (\`a2a-protocol.org\` for errors of the specification, else \`parley\`), \`metadata\` |
| \`BadRequest\` | fields are not valid | \`fieldViolations\`: \`field\` (a path such as \`message.parts[0].text\`) and \`description\` |
| \`RetryInfo\` | a retry makes sense | \`retryDelay\`, such as \`5s\`; the header \`Retry-After\` says the same |

Every answer has the header \`x-request-id\`. An answer with status 500 says nothing of the fault itself; the log of the
server has it under that id.

## All errors

| name | JSON-RPC | HTTP | gRPC | HTTP status in JSON-RPC |
|---|---|---|---|---|
`;

/** docs/errors.md. */
export function renderErrorReference(): string {
  const codes = Object.keys(ERROR_TABLE) as ErrorCode[];
  const rows = codes.map((code) => {
    const { jsonRpc, http, grpc, beforeOperation } = ERROR_TABLE[code];
    return `| \`${code}\` | ${jsonRpc} | ${http} | ${grpc} | ${beforeOperation ? http : 200} |`;
  });
  const meanings = codes.map((code) => {
    const { meaning, remedy } = ERROR_MEANINGS[code];
    return `| \`${code}\` | ${meaning} | ${remedy} |`;
  });
  return `${INTRODUCTION}${rows.join('\n')}\n\n## What they mean\n\n| name | meaning | what to do |\n|---|---|---|\n${meanings.join('\n')}\n`;
}
