/** The OpenAPI 3.1 description of the whole HTTP surface, made from the schemas that decode its requests. */
import { ERROR_TABLE, type ErrorCode } from '../../protocol/errors.ts';
import { wireJsonSchemas } from '../../protocol/json-schemas.ts';
import { ERROR_MEANINGS } from './error-meanings.ts';
import { cardPaths, jsonRpcPaths, jsonRpcSchemas, restPaths } from './openapi-a2a.ts';
import { consolePaths, consoleSchemas } from './openapi-console.ts';
import { deliveryPaths, keyPaths, openPaths, serverSchemas } from './openapi-server.ts';
import { serverKeyPaths, serverKeySchemas } from './openapi-server-keys.ts';
import { ERROR_SCHEMAS, HEADERS, type Json } from './openapi-shared.ts';

export interface OpenApiOptions {
  readonly version: string;
  /** Where clients reach the API, and Prometheus the metrics. */
  readonly publicUrl: string;
  readonly metricsUrl: string;
  readonly isMetricsOnMain: boolean;
  /** `false` where authentication is switched off. */
  readonly isSecured: boolean;
  readonly agentIds: readonly string[];
}

const DESCRIPTION = `A2A (Agent2Agent) agents behind one address, with a durable log of their tasks.

\`/a2a\` is the default agent; \`/a2a/agents/{agentId}\` is each agent by its id, with the same paths below it.
The REST paths of 1.0 are served below \`/{tenant}\` too.
A2A 1.0 and 0.3 are served over JSON-RPC and REST. **\`A2A-Version\` says which; without it a request is 0.3.**
Streams are server-sent events that can be resumed with \`Last-Event-ID\`.`;

const TAGS: readonly Json[] = [
  { name: 'Cards', description: 'What an agent is and where it is reached. Public.' },
  { name: 'JSON-RPC', description: 'All operations at the address of the agent itself, in both versions.' },
  { name: 'REST 1.0', description: 'The operations as paths below the address of the agent.' },
  { name: 'REST 0.3', description: 'The same as A2A 0.3 has it.' },
  { name: 'Tasks', description: 'Tasks across agents, as the console shows them.' },
  { name: 'Sessions', description: 'Signing in to the console.' },
  { name: 'Server', description: 'The overview, agents, and the server itself.' },
  { name: 'Keys', description: 'API keys and admin tokens. For the admin.' },
  { name: 'Server keys', description: 'What this server signs and encrypts with. For the admin.' },
  { name: 'Push', description: 'Push notifications that wait, and dead letters. For their owners and the admin.' },
  { name: 'Operations', description: 'Health and metrics. Public.' },
  { name: 'Pages', description: 'For people. Public.' },
];

const parameter = (name: string, place: 'header' | 'path' | 'query', description: string, schema: Json): Json => ({
  name,
  in: place,
  required: place === 'path',
  description,
  schema,
});

function parameters(agentIds: readonly string[]): Json {
  const text = { type: 'string' };
  const id = { type: 'string', minLength: 1, maxLength: 256 };
  const version = (known: string): Json =>
    parameter('A2A-Version', 'header', 'Version of the protocol. Without it: 0.3.', {
      type: 'string',
      examples: [known],
      default: known,
    });
  return {
    agentId: {
      ...parameter('agentId', 'path', 'Id of an agent.', { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}$' }),
      example: agentIds[0] ?? 'echo',
    },
    taskId: parameter('id', 'path', 'Id of a task.', id),
    configId: parameter('configId', 'path', 'Id of a push configuration.', id),
    deliveryId: parameter('id', 'path', 'Id of a push delivery.', { type: 'string', maxLength: 256 }),
    keyId: parameter('id', 'path', 'Id of an API key.', { type: 'string', maxLength: 256 }),
    'A2A-Version-1.0': version('1.0'),
    'A2A-Version-0.3': version('0.3'),
    'A2A-Extensions': parameter('A2A-Extensions', 'header', 'URIs of extensions to activate, with commas.', text),
    'x-request-id': parameter('x-request-id', 'header', 'Id for this request, for the log and the answer.', {
      type: 'string',
      pattern: '^[\\w.:-]{1,128}$',
    }),
    'Idempotency-Key': parameter(
      'Idempotency-Key',
      'header',
      'The same key with the same message gives the same task, for 24 hours by default; with another message 409.',
      { type: 'string', minLength: 1, maxLength: 255 },
    ),
    'Last-Event-ID': parameter('Last-Event-ID', 'header', 'The last event that the client has.', {
      type: 'integer',
      minimum: 0,
      maximum: 999_999_999,
    }),
    lastEventId: parameter('lastEventId', 'query', 'The same for clients that cannot set headers.', {
      type: 'integer',
      minimum: 0,
      maximum: 999_999_999,
    }),
  };
}

const V03_TASK: Json = {
  type: 'object',
  description: 'A Task of A2A 0.3.0 (section 6.1 of its specification).',
  required: ['kind', 'id', 'contextId', 'status'],
  properties: {
    kind: { const: 'task' },
    id: { type: 'string' },
    contextId: { type: 'string' },
    status: {
      type: 'object',
      required: ['state'],
      properties: { state: { type: 'string' }, message: { $ref: '#/components/schemas/V03Message' } },
    },
    artifacts: { type: 'array', items: { type: 'object' } },
    history: { type: 'array', items: { $ref: '#/components/schemas/V03Message' } },
    metadata: { type: 'object' },
  },
};

/** `x-parley-errors` lists every error with its codes and its meaning. */
export function buildOpenApi(options: OpenApiOptions): Json {
  const { version, publicUrl, isSecured, agentIds } = options;
  const wire = wireJsonSchemas();
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: publicUrl }],
    tags: TAGS,
    ...(isSecured ? { security: [{ bearer: [] }, { apiKey: [] }] } : { security: [{}] }),
    paths: {
      ...cardPaths(),
      ...jsonRpcPaths(),
      ...restPaths(wire),
      ...consolePaths(isSecured),
      ...keyPaths(),
      ...serverKeyPaths(),
      ...deliveryPaths(),
      ...openPaths(options),
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, the admin key or an admin token.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'parley-session',
          description: 'For the console: see POST /api/v1/session. `__Host-parley-session` where browsers come by TLS.',
        },
      },
      parameters: parameters(agentIds),
      headers: HEADERS,
      schemas: {
        ...wire,
        V03Task: V03_TASK,
        ...jsonRpcSchemas(),
        ...serverSchemas(),
        ...consoleSchemas(),
        ...serverKeySchemas(),
        ...ERROR_SCHEMAS,
      },
    },
    'x-parley-errors': errorList(),
  };
}

function errorList(): Json[] {
  return (Object.keys(ERROR_TABLE) as ErrorCode[]).map((code) => {
    const { jsonRpc, http, grpc } = ERROR_TABLE[code];
    return { code, jsonRpc, http, grpc, ...ERROR_MEANINGS[code] };
  });
}
