/**
 * What A2A 1.0 demands of a server, as data: one row for each MUST and SHOULD (section numbers of 1.0.1, titles in our
 * words). Left out is what it demands of clients, of SDKs, of bindings that somebody else defines, and of those who
 * deploy. `requirements.test.ts` fails on a row that no test cites.
 */

export type Level = 'MUST' | 'SHOULD';

/** What an operation must do, it must do over every binding; the others hold for one binding, or for the server as a whole. */
export type Scope = 'every binding' | 'JSONRPC' | 'HTTP+JSON' | 'GRPC' | 'server';

export interface Requirement {
  readonly id: string;
  readonly section: string;
  readonly level: Level;
  readonly title: string;
  readonly scope: Scope;
  /** Of the protocol versions that Parley serves, those in which it holds. */
  readonly versions: readonly ('1.0' | '0.3')[];
  /** The wires that have no way to say it, by name. */
  readonly except: readonly string[];
}

const BOTH = ['1.0', '0.3'] as const;

const row =
  (scope: Scope, versions: Requirement['versions'], except: Requirement['except'] = []) =>
  (id: string, section: string, level: Level, title: string): Requirement => ({
    id,
    section,
    level,
    title,
    scope,
    versions,
    except,
  });

const all = row('every binding', BOTH);
/** The gRPC service of 0.3 has no ListTasks, and a number in it cannot be told from one that is not there. */
const notInOldGrpc = row('every binding', BOTH, ['0.3 gRPC']);
const v1 = row('every binding', ['1.0']);
const server = row('server', BOTH);
const rpc = row('JSONRPC', ['1.0']);
const rest = row('HTTP+JSON', ['1.0']);

export const requirements: readonly Requirement[] = [
  all('SEND-1', '3.1.1', 'MUST', 'a send is answered with a task or a message'),
  all('SEND-2', '3.1.1', 'MUST', 'a message to a task that has ended is an unsupported operation'),
  all('SEND-3', '3.1.1', 'MUST', 'a part of a media type that the agent does not take is refused'),
  all('STREAM-1', '3.1.2', 'MUST', 'a stream of a message holds that one message and ends'),
  all('STREAM-2', '3.1.2', 'MUST', 'a stream of a task begins with it and ends with its terminal state'),
  all('STREAM-3', '3.1.2', 'MUST', 'a stream tells of progress while the work goes on'),
  all('GET-1', '3.1.3', 'MUST', 'a task is given as it is now'),
  all('GET-2', '3.1.3', 'MUST', 'a task that is not there is not found'),
  notInOldGrpc('LIST-1', '3.1.4', 'MUST', 'only tasks of the caller are listed, with and without filters'),
  v1('LIST-2', '3.1.4', 'MUST', 'pages follow each other by a cursor'),
  notInOldGrpc('LIST-3', '3.1.4', 'MUST', 'the newest status comes first'),
  v1('LIST-4', '3.1.4', 'MUST', 'the last page has an empty token, and each page has one'),
  notInOldGrpc('LIST-5', '3.1.4', 'MUST', 'artifacts are there only when they are asked for'),
  v1('LIST-6', '3.1.4', 'MUST', 'what does not change while it is paged through is listed once'),
  all('CANCEL-1', '3.1.5', 'MUST', 'a task that goes on is canceled, and given as it is then'),
  all('CANCEL-2', '3.1.5', 'MUST', 'a task that has ended, in whatever way, cannot be canceled'),
  all('CANCEL-3', '3.1.5', 'MUST', 'a task that is not there cannot be found to cancel it'),
  all('SUB-1', '3.1.6', 'MUST', 'a subscription begins with the task as it is'),
  all('SUB-2', '3.1.6', 'MUST', 'a subscription ends with the terminal state'),
  all('SUB-3', '3.1.6', 'MUST', 'subscribing to a task that has ended is an unsupported operation'),
  all('SUB-4', '3.1.6', 'MUST', 'subscribing to a task that is not there does not find it'),
  all('PUSH-1', '3.1.7', 'MUST', 'a configuration makes the receiver known for the updates of a task'),
  all('PUSH-2', '3.1.7', 'MUST', 'a configuration stays until its task ends or it is deleted'),
  all('PUSH-3', '3.1.8', 'MUST', 'a configuration can be read, and one that is not there is an error'),
  all('PUSH-4', '3.1.9', 'MUST', 'all configurations of a task are listed'),
  all('PUSH-5', '3.1.10', 'MUST', 'a deleted configuration is gone, and deleting it again is no error'),
  server('PUSH-6', '4.3.3', 'MUST', 'the declared credentials are sent with each push'),
  server('PUSH-7', '4.3.3', 'MUST', 'each push is attempted at least once'),
  server('PUSH-8', '4.3.3', 'MUST', 'a push holds one StreamResponse'),
  server('PUSH-9', '13.2', 'SHOULD', 'addresses of receivers are checked, and failed pushes repeated with backoff'),
  all('XCARD-1', '3.1.11', 'MUST', 'the extended card is given to whoever is authenticated'),
  server('XCARD-2', '13.3', 'SHOULD', 'the extended card has caching headers of its own'),
  all('WAIT-1', '3.2.2', 'MUST', 'a send waits until the task has ended or is interrupted'),
  all('WAIT-2', '3.2.2', 'MUST', 'a send that does not wait is answered when there is a task'),
  all('HIST-1', '3.2.4', 'MUST', 'no answer has more messages of history than were asked for'),
  notInOldGrpc('HIST-2', '3.2.4', 'SHOULD', 'with a history length of 0 there is no history'),
  all('HIST-3', '3.2.4', 'SHOULD', 'history is in the order in which it was said, word for word'),
  all('AUTH-1', '7.4', 'MUST', 'without credentials, and with wrong ones, every operation is refused'),
  server('AUTH-2', '7.4', 'SHOULD', 'the refusal names the scheme of authentication'),
  all('AUTH-3', '13.1', 'MUST', "another's task is not found, as one that is not there"),
  all('AUTH-4', '3.3.2', 'MUST', 'whoever lacks a permission is told so, and which'),
  all('AUTH-5', '7.6', 'MUST', 'a task that needs authorization says so in its state, with a message'),
  all('AUTH-6', '7.6', 'SHOULD', 'a task that needs authorization takes messages'),
  server('AUTH-7', '13.1', 'MUST', 'the permission is checked before anything is looked up'),
  all('VALID-1', '3.3.2', 'MUST', 'what is not valid is refused before anything is done'),
  all('VALID-2', '3.3.2', 'SHOULD', 'the refusal names each field, and what is wrong with it'),
  v1('ERR-1', '3.3.2', 'MUST', 'an error has a code, a message, and details that say their type'),
  v1('ERR-2', '3.3.2', 'MUST', 'an error of A2A carries an ErrorInfo with its reason and the domain of A2A'),
  server('ERR-3', '3.3.2', 'SHOULD', 'faults of the server are logged, and not told to callers'),
  all('CAP-1', '3.3.4', 'MUST', 'without push in the card, each operation on configurations says so'),
  all('CAP-2', '3.3.4', 'MUST', 'without streaming in the card, both operations that stream say so'),
  all('CAP-3', '3.3.4', 'MUST', 'without an extended card in the card, asking for it is an unsupported operation'),
  all('CAP-4', '3.3.4', 'MUST', 'an extension that the card requires must be activated'),
  all('CAP-5', '4.6.3', 'SHOULD', 'an extension that the agent does not know is ignored'),
  all('CTX-1', '3.4.1', 'MUST', 'a new context has an id, which the answer tells'),
  all('CTX-2', '3.4.1', 'MUST', 'a context id of the client is taken as it is, or refused, and never replaced'),
  all('CTX-3', '3.4.2', 'MUST', 'each new task has an id of its own, made by the server'),
  all('CTX-4', '3.4.2', 'MUST', 'a message to a task that is not there does not find it'),
  all('CTX-5', '3.4.3', 'MUST', 'the context of a message to a task is that of the task'),
  all('CTX-6', '3.4.3', 'MUST', 'a message to a task that names another context is refused'),
  all('ORDER-1', '3.5.2', 'MUST', 'events come in the order in which they were made'),
  all('ORDER-2', '3.5.2', 'MUST', 'all streams of a task get the same events in the same order'),
  all('ORDER-3', '3.5.2', 'MUST', 'the end of one stream leaves the others as they are'),
  server('VER-1', '3.6.2', 'MUST', 'a version that is not served is refused as such'),
  server('VER-2', '3.6.2', 'MUST', 'without a version it is 0.3'),
  server('VER-3', '3.6', 'MUST', 'a patch number does not count'),
  server('BIND-1', '5.1', 'MUST', 'every binding gives the same results and errors'),
  v1('JSON-1', '5.5', 'MUST', 'fields are in camelCase, and enums are the names of the definition'),
  v1('JSON-2', '5.6', 'MUST', 'times are UTC, with a Z and milliseconds'),
  v1('JSON-3', '5.7', 'MUST', 'required fields are there, and required lists are not empty'),
  all('JSON-4', '5.7', 'SHOULD', 'fields that nobody knows are ignored'),
  server('CARD-1', '8.2', 'MUST', 'a card is at the well-known address, for everybody'),
  server('CARD-2', '8.3', 'MUST', 'the card declares each binding and version, each with the address where it is'),
  server('CARD-3', '8.6', 'SHOULD', 'the card has Cache-Control with a max-age, an ETag, and Last-Modified'),
  server('CARD-4', '14.3', 'SHOULD', 'the card holds no secret'),
  server('SIGN-1', '8.4.1', 'MUST', 'what is signed is the canonical form of the card, without its signatures'),
  server('SIGN-2', '8.4.2', 'MUST', 'the protected header names algorithm and key'),
  rpc('RPC-1', '9.1', 'MUST', 'requests and answers are JSON-RPC 2.0 in application/json'),
  rpc('RPC-2', '9.5', 'MUST', 'each error has its code, with details in an array'),
  rest('REST-1', '11.1', 'SHOULD', 'answers are application/a2a+json'),
  rest('REST-2', '11.5', 'MUST', 'GET and DELETE take their parameters from path and query, in camelCase'),
  rest('REST-3', '11.6', 'MUST', 'each error has its HTTP status, and the form of google.rpc.Status'),
  server('SEC-1', '13.4', 'SHOULD', 'over HTTPS browsers are told to stay with it'),
  server('SEC-2', '13.4', 'SHOULD', 'messages, bodies and requests have limits'),
  server('SEC-3', '13.4', 'MUST', 'no credential is in the log'),
  server('SEC-4', '13.4', 'SHOULD', 'credentials can be revoked, and attempts to guess them are limited'),
  server('SEC-5', '13.4', 'SHOULD', 'callers can be limited, and are told when they are'),
];

const byId = new Map(requirements.map((requirement) => [requirement.id, requirement]));

/** Ids in the brackets of a test's title: `[SEND-1]`, `[A3, SEND-1]`. Ids of promises have no hyphen. */
export function requirementIds(title: string): string[] {
  return [...title.matchAll(/\[([^\]]*)\]/g)]
    .flatMap(([, inside = '']) => inside.split(',').map((id) => id.trim()))
    .filter((id) => /^[A-Z]+-\d+$/.test(id));
}

/** Throws for an id that is not in the list. */
export function requirementOf(id: string): Requirement {
  const requirement = byId.get(id);
  if (requirement === undefined) throw new Error(`There is no requirement ${id}`);
  return requirement;
}
