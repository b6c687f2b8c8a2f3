/** What the API answers: every surface of HTTP, registered on one application. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { callerLimits } from '../config/caller-limits.ts';
import { settingsOf } from '../config/mask.ts';
import { PROGRAM_DIR, programInfo } from '../config/program.ts';
import { ApiKeyService } from '../core/access/api-keys.ts';
import { ExtendedCards } from '../core/agents/extended-cards.ts';
import type { Agent } from '../core/agents/registry.ts';
import type { Operations } from '../core/operations/dispatch.ts';
import { CardSigner } from '../core/signing/card-signer.ts';
import type { OpenStreams } from '../core/streams/open-streams.ts';
import { TaskService } from '../core/tasks/service.ts';
import { cardOf, registerCards } from '../http/a2a/cards.ts';
import { registerA2a } from '../http/a2a/routes.ts';
import { ServedCards } from '../http/a2a/served-cards.ts';
import { registerConsole } from '../http/admin/console.ts';
import { registerDeliveries } from '../http/admin/deliveries.ts';
import { registerEncryption } from '../http/admin/encryption.ts';
import { registerKeys } from '../http/admin/keys.ts';
import type { LiveStreams } from '../http/admin/live-streams.ts';
import { registerSigningKeys } from '../http/admin/signing-keys.ts';
import { registerAdminToken } from '../http/admin/token.ts';
import { registerDocs } from '../http/docs/routes.ts';
import { type Readiness, registerHealth } from '../http/health.ts';
import type { BodyCheck } from '../http/json-body.ts';
import { JWKS_PATH, registerJwks } from '../http/jwks.ts';
import { registerMetrics } from '../http/ops-app.ts';
import { registerUi } from '../http/ui/routes.ts';
import { openSite } from '../http/ui/site.ts';
import { systemClock as clock, systemIds as ids } from '../ops/runtime.ts';
import type { Access } from './access.ts';
import type { Addresses } from './addresses.ts';
import type { Data } from './data.ts';
import type { Ground } from './ground.ts';
import type { Tasks } from './tasks.ts';

export interface RouteParts {
  readonly data: Data;
  readonly access: Access;
  readonly tasks: Tasks;
  readonly streams: OpenStreams;
  readonly addresses: Addresses;
  readonly readiness: Readiness;
  readonly checkBody: BodyCheck;
  readonly startedAtMs: number;
  /** By this replica. */
  readonly onKeyChanged: (keyId: string) => void;
}

export interface Routes {
  /** For the other bindings. */
  readonly operations: Operations;
  /** Stopped by the caller. */
  readonly live: LiveStreams;
}

export async function registerRoutes(app: FastifyInstance, ground: Ground, parts: RouteParts): Promise<Routes> {
  const { config, logger, metrics } = ground;
  const { data, access, tasks, streams, addresses, readiness, checkBody, startedAtMs, onKeyChanged } = parts;
  const { storage, secrets, signingKeys } = data;
  const { agents, engine, push, captures } = tasks;
  const isMetricsOnMain = config.ops.metricsOnMain;
  const publicUrl = () => addresses.publicUrl;
  registerHealth(app, readiness);
  if (isMetricsOnMain) registerMetrics(app, metrics.registry);

  const isSecured = config.auth.mode === 'key';
  const hasExtended = isSecured && config.cards.extended;
  const cardAt = (agent: Agent, path: string) => {
    const isDefault = agent.id === agents.defaultId;
    const place = { url: `${publicUrl()}${path}`, grpcAddress: addresses.publicGrpcAddress, isDefault };
    return cardOf(agent, place, { isSecured, hasExtended });
  };
  const jku = () => `${publicUrl()}${JWKS_PATH}`;
  const cardSigner = new CardSigner({ keys: signingKeys, store: storage.cardSignatures, jku, clock });
  const signer = config.cards.sign ? cardSigner : null;
  const extendedCards = new ExtendedCards({
    agents,
    cardOf: (agent) => cardAt(agent, `/a2a/agents/${agent.id}`),
    isConfigured: hasExtended,
    limits: callerLimits(config),
    signer,
  });
  const operations = { tasks: new TaskService(engine, push.configs), push: push.configs, cards: extendedCards };
  const { invalidV03Status } = config.agents;
  const a2a = { operations, agents, streams, captures, checkBody, invalidV03Status };
  await app.register(async (scope) => registerA2a(scope, a2a));
  const cards = new ServedCards({ cardOf: cardAt, signer, clock, logger });
  registerCards(app, { agents, cards });
  registerJwks(app, { signer: signingKeys });

  const keys = new ApiKeyService({ store: storage.apiKeys, clock, ids, randomBytes, onChanged: onKeyChanged });
  const { adminTokens, authenticator } = access;
  registerAdminToken(app, { adminTokens, authenticator });
  registerKeys(app, { keys, clock });
  registerDeliveries(app, { deliveries: push.deliveries });
  registerEncryption(app, secrets);
  registerSigningKeys(app, { signingKeys, cardSigner });

  const { version } = programInfo();
  const live = registerConsole(app, {
    engine,
    browser: storage.browser,
    service: operations.tasks,
    agents,
    cards,
    publicUrl,
    access: access.sessions,
    activity: storage.activity,
    liveLimits: { ...config.streams, ...config.live },
    limitReached: (limit) => metrics.task.limitReached(limit),
    deadLetters: () => push.sender.stats.dead,
    readiness,
    captures,
    push: push.configs,
    settings: () => settingsOf(config),
    facts: { version, startedAtMs, database: storage, listeners: () => addresses.list() },
    streams,
    clock,
    ids,
    logger,
  });
  const hasConsole = registerUi(app, openSite(join(PROGRAM_DIR, '../web/dist')));
  registerDocs(app, {
    version,
    hasConsole,
    assetsDir: join(PROGRAM_DIR, 'http/docs/assets'),
    agents,
    publicUrl,
    metricsUrl: () => addresses.metricsUrl,
    isMetricsOnMain,
    isSecured,
  });
  return { operations, live };
}
