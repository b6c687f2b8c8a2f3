/** Several agents behind one port: how a call names one, what its card says of that, and the extensions that it requires. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echoAgent } from '../../../src/agents/echo/agent.ts';
import { ADMIN } from '../../../src/core/access/principal.ts';
import { ExtendedCards } from '../../../src/core/agents/extended-cards.ts';
import type { Agent } from '../../../src/core/agents/registry.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { OpenStreams } from '../../../src/core/streams/open-streams.ts';
import { type GrpcListener, listenGrpc } from '../../../src/grpc/listener.ts';
import { cardOf } from '../../../src/http/a2a/cards.ts';
import { requestIds, systemClock } from '../../../src/ops/runtime.ts';
import type { JsonValue } from '../../../src/protocol/json.ts';
import { cardToV03 } from '../../../src/protocol/v0_3/translate-card.ts';
import { GrpcClient } from '../../support/grpc-client.ts';
import { noCaptures } from '../../support/no-captures.ts';
import { BenchFiles } from '../../support/task-bench.ts';
import { at } from '../../support/wire-client.ts';

const REQUIRED = 'https://extensions.example/required/v1';
const OPTIONAL = 'https://extensions.example/optional/v1';
const MIB = 1024 * 1024;

const echo = echoAgent({ pushNotifications: false });
const strict: Agent = {
  ...echo,
  id: 'strict',
  description: {
    ...echo.description,
    capabilities: {
      ...echo.description.capabilities,
      extensions: [{ uri: REQUIRED, required: true }, { uri: OPTIONAL }],
    },
  },
};

let files: BenchFiles;
let listener: GrpcListener;
let client: GrpcClient;
beforeAll(async () => {
  files = new BenchFiles();
  const { service, agents } = await files.start([echo, strict]);
  const cards = new ExtendedCards({
    agents,
    cardOf: () => ({}) as never,
    isConfigured: false,
    limits: {},
    signer: null,
  });
  const streamLimits = {
    heartbeatMs: 60_000,
    maxBufferBytes: MIB,
    maxTotalBufferBytes: MIB,
    stalledTimeoutMs: 10_000,
  };
  const counts = { streamOpened: () => {}, streamStalled: () => {}, limitReached: () => {} };
  listener = await listenGrpc({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    trustProxy: false,
    limits: {
      maxConnections: 100,
      maxConcurrentStreams: 100,
      maxPublicCalls: 100,
      idleTimeoutMs: 60_000,
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 20_000,
      bodyLimitBytes: MIB,
      headerLimitBytes: 16_384,
      requestTimeoutMs: 60_000,
      maxJsonValues: 10_000,
    },
    health: false,
    reflection: false,
    readiness: { check: async () => [] },
    captures: noCaptures,
    operations: { tasks: service, push: {} as never, cards },
    agents,
    streams: new OpenStreams(streamLimits, systemClock, silentLogger, counts, async () => true),
    gate: { authenticator: { authenticate: () => ADMIN, isKnown: () => true }, requests: null, failures: null },
    newRequestId: requestIds(),
    clock: systemClock,
    logger: silentLogger,
    metrics: { requestDone: () => {}, limitReached: () => {} },
  });
  listener.serve();
  client = new GrpcClient(`127.0.0.1:${listener.port}`);
});
afterAll(async () => {
  client?.close();
  await listener?.stop(1000);
  await files?.close();
});

function send(service: string, metadata: Record<string, string>, tenant?: string) {
  const message = { messageId: crypto.randomUUID(), role: 'ROLE_USER' };
  const content = [{ text: 'hello' }];
  const request: JsonValue =
    service === 'a2a.v1.A2AService'
      ? { message: { ...message, content } }
      : { message: { ...message, parts: content }, ...(tenant === undefined ? {} : { tenant }) };
  return client.call(`${service}/SendMessage`, request, { metadata, deadlineMs: 10_000 });
}

describe.each(['lf.a2a.v1.A2AService', 'a2a.v1.A2AService'])('%s', (service) => {
  const named = { 'x-parley-agent': 'strict' };

  test('[A2, A3] the agent that is named answers, and it is held to the extensions that it requires', async () => {
    expect((await send(service, {})).code).toBe('OK');
    for (const refused of [await send(service, named), await send(service, { ...named, 'a2a-extensions': OPTIONAL })]) {
      expect(refused.code).toBe('FAILED_PRECONDITION');
      expect(at(refused.details[0], 'reason')).toBe('EXTENSION_SUPPORT_REQUIRED');
      expect(refused.trailers).not.toHaveProperty('a2a-extensions');
    }
    for (const name of ['a2a-extensions', 'x-a2a-extensions']) {
      const { code, head } = await send(service, {
        ...named,
        [name]: `${OPTIONAL}, ${REQUIRED}, https://other.example`,
      });
      expect(code).toBe('OK');
      expect([head['a2a-extensions'], head['x-a2a-extensions']]).toEqual(Array(2).fill(`${REQUIRED}, ${OPTIONAL}`));
    }
  });
});

test('[A2] what the card of an agent says of gRPC is true: the tenant that it asks for reaches that agent', async () => {
  const place = { url: 'http://localhost/a2a/agents/strict', grpcAddress: `127.0.0.1:${listener.port}` };
  const facts = { isSecured: false, hasExtended: false };
  const grpcOf = (isDefault: boolean) =>
    cardOf(strict, { ...place, isDefault }, facts).supportedInterfaces.filter(
      ({ protocolBinding }) => protocolBinding === 'GRPC',
    );
  const [own, ...others] = grpcOf(false);
  expect(others).toEqual([]);
  expect(own).toEqual({ url: place.grpcAddress, protocolBinding: 'GRPC', protocolVersion: '1.0', tenant: 'strict' });
  expect((await send('lf.a2a.v1.A2AService', {}, own?.tenant)).code).toBe('FAILED_PRECONDITION');
  // Without metadata, 0.3 reaches the default agent only.
  expect(cardToV03(cardOf(strict, { ...place, isDefault: false }, facts)).additionalInterfaces).not.toContainEqual(
    expect.objectContaining({ transport: 'GRPC' }),
  );
  expect(grpcOf(true).map(({ protocolVersion, tenant }) => [protocolVersion, tenant])).toEqual([
    ['1.0', undefined],
    ['0.3', undefined],
  ]);
});
