/** Extensions: required ones are required in every binding and version, activated ones are told in the answer. */
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echoAgent } from '../../../src/agents/echo/agent.ts';
import { ADMIN } from '../../../src/core/access/principal.ts';
import { ExtendedCards } from '../../../src/core/agents/extended-cards.ts';
import type { Agent } from '../../../src/core/agents/registry.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { OpenStreams } from '../../../src/core/streams/open-streams.ts';
import { cardOf } from '../../../src/http/a2a/cards.ts';
import { registerA2a } from '../../../src/http/a2a/routes.ts';
import { systemClock } from '../../../src/ops/runtime.ts';
import { noCaptures } from '../../support/no-captures.ts';
import { BenchFiles } from '../../support/task-bench.ts';

const REQUIRED = 'https://extensions.example/required/v1';
const OPTIONAL = 'https://extensions.example/optional/v1';

const echo = echoAgent({ pushNotifications: false });

const agentWith = (id: string, capabilities: Partial<Agent['description']['capabilities']>): Agent => ({
  ...echo,
  id,
  description: { ...echo.description, capabilities: { ...echo.description.capabilities, ...capabilities } },
});
const strict = agentWith('strict', { extensions: [{ uri: REQUIRED, required: true }, { uri: OPTIONAL }] });
const declaring = agentWith('declaring', { extendedAgentCard: true });

let files: BenchFiles;
let app: FastifyInstance;
beforeAll(async () => {
  files = new BenchFiles();
  const { service, agents } = await files.start([strict, declaring]);
  const placeOf = ({ id }: Agent) => ({
    url: `http://localhost/a2a/agents/${id}`,
    grpcAddress: null,
    isDefault: id === agents.defaultId,
  });
  const isSecured = { isSecured: false, hasExtended: false };
  const cards = new ExtendedCards({
    agents,
    cardOf: (agent) => cardOf(agent, placeOf(agent), isSecured),
    isConfigured: false,
    limits: {},
    signer: null,
  });
  const limits = {
    heartbeatMs: 60_000,
    maxBufferBytes: 1_000_000,
    maxTotalBufferBytes: 1_000_000,
    stalledTimeoutMs: 10_000,
  };
  const metrics = new Proxy({}, { get: () => () => undefined }) as never;
  const streams = new OpenStreams(limits, systemClock, silentLogger, metrics, async () => true);
  app = Fastify();
  app.decorateRequest('principal');
  app.addHook('onRequest', async (request) => {
    request.principal = ADMIN;
  });
  await app.register(async (scope) =>
    registerA2a(scope, {
      operations: { tasks: service, push: {} as never, cards },
      agents,
      streams,
      captures: noCaptures,
      checkBody: () => undefined,
      invalidV03Status: 'http',
    }),
  );
});
afterAll(async () => {
  await app.close();
  await files.close();
});

const message = () => ({ messageId: crypto.randomUUID(), role: 'ROLE_USER', parts: [{ text: 'hello' }] });
const oldMessage = () => ({
  messageId: crypto.randomUUID(),
  role: 'user',
  kind: 'message',
  parts: [{ kind: 'text', text: 'hello' }],
});
const rpc = (method: string, params: object) => ({ jsonrpc: '2.0', id: 1, method, params });

const FORMS = [
  ['JSON-RPC 1.0', '', '1.0', 'a2a-extensions', () => rpc('SendMessage', { message: message() })],
  ['JSON-RPC 1.0, streaming', '', '1.0', 'a2a-extensions', () => rpc('SendStreamingMessage', { message: message() })],
  ['REST 1.0', '/message:send', '1.0', 'a2a-extensions', () => ({ message: message() })],
  ['JSON-RPC 0.3', '', '0.3', 'x-a2a-extensions', () => rpc('message/send', { message: oldMessage() })],
  [
    'REST 0.3',
    '/v1/message:send',
    '0.3',
    'x-a2a-extensions',
    () => ({ message: { message_id: crypto.randomUUID(), role: 'ROLE_USER', content: [{ text: 'hello' }] } }),
  ],
] as const;

describe.each(FORMS)('%s', (_name, path, version, header, body) => {
  const send = (extensions: string | undefined, agent = 'strict') =>
    app.inject({
      method: 'POST',
      url: `/a2a/agents/${agent}${path}`,
      headers: {
        'content-type': 'application/json',
        'a2a-version': version,
        ...(extensions === undefined ? {} : { [header]: extensions }),
      },
      payload: JSON.stringify(body()),
    });

  test.each([undefined, '', OPTIONAL, `${REQUIRED}/other`])(
    '[A3] without the required extension (%j) nothing runs',
    async (sent) => {
      const answer = await send(sent);
      expect(answer.statusCode).toBe(path === '' ? 200 : 400);
      expect(answer.body).toContain(REQUIRED);
      expect(answer.headers).not.toHaveProperty(header);
      expect(answer.body).toContain(version === '1.0' ? 'EXTENSION_SUPPORT_REQUIRED' : '-32004');
    },
  );

  test('[A3] with it the agent answers, and names what it has activated and nothing else', async () => {
    const answer = await send(` ${OPTIONAL}, https://unknown.example/x ,${REQUIRED}`);
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain('hello');
    expect(answer.headers[header]).toBe(`${REQUIRED}, ${OPTIONAL}`);
  });

  test('[A3] an agent that declares none answers, and names none', async () => {
    const answer = await send(REQUIRED, 'declaring');
    expect(answer.body).toContain('hello');
    expect(answer.headers).not.toHaveProperty(header);
  });
});

describe('an extended card that the agent declares and the server does not have', () => {
  test.each([
    ['1.0', 'GET', '/extendedAgentCard', undefined, 400, 'EXTENDED_AGENT_CARD_NOT_CONFIGURED'],
    ['1.0', 'POST', '', rpc('GetExtendedAgentCard', {}), 200, '-32007'],
    ['0.3', 'GET', '/v1/card', undefined, 400, '-32007'],
    ['0.3', 'POST', '', rpc('agent/getAuthenticatedExtendedCard', {}), 200, '-32007'],
  ] as const)('[A3] is said so: %s %s %s', async (version, method, path, payload, status, told) => {
    const answer = await app.inject({
      method,
      url: `/a2a/agents/declaring${path}`,
      headers: { 'a2a-version': version, ...(payload === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
    });
    expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(told)]);
  });
});
