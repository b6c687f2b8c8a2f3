/** The composition root: builds every part from the configuration, starts them in order, and stops them in reverse. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger as PinoLogger } from 'pino';
import { echoAgent } from './agents/echo/agent.ts';
import { callerLimits } from './config/caller-limits.ts';
import type { Config } from './config/load.ts';
import { settingsOf } from './config/mask.ts';
import { isLoopbackHost, listenAddress, listenUrl } from './config/network.ts';
import { PROGRAM_DIR, programInfo } from './config/program.ts';
import { adminKeyProblem } from './config/secrets.ts';
import { AdminTokens } from './core/access/admin-tokens.ts';
import { ApiKeyService } from './core/access/api-keys.ts';
import { Authenticator } from './core/access/authenticator.ts';
import type { Gate } from './core/access/gate.ts';
import { mayStay } from './core/access/may-stay.ts';
import { Activity } from './core/activity/activity.ts';
import { ExtendedCards } from './core/agents/extended-cards.ts';
import { type Agent, AgentRegistry } from './core/agents/registry.ts';
import { RateLimiter } from './core/limits/rate-limiter.ts';
import { SEALED_COLUMNS } from './core/secrets/sealed-columns.ts';
import { CardSigner } from './core/signing/card-signer.ts';
import { SigningKeys } from './core/signing/signing-keys.ts';
import { OpenStreams } from './core/streams/open-streams.ts';
import { TaskEngine } from './core/tasks/engine.ts';
import { Retention } from './core/tasks/retention.ts';
import { TaskService } from './core/tasks/service.ts';
import { type GrpcListener, listenGrpc } from './grpc/listener.ts';
import type { GrpcOptions } from './grpc/options.ts';
import { cardOf, registerCards } from './http/a2a/cards.ts';
import { registerA2a } from './http/a2a/routes.ts';
import { ServedCards } from './http/a2a/served-cards.ts';
import { registerConsole } from './http/admin/console.ts';
import { registerDeliveries } from './http/admin/deliveries.ts';
import { registerEncryption } from './http/admin/encryption.ts';
import { registerKeys } from './http/admin/keys.ts';
import { registerSigningKeys } from './http/admin/signing-keys.ts';
import { registerAdminToken } from './http/admin/token.ts';
import { createApp } from './http/app.ts';
import type { OpensSessions } from './http/authenticate.ts';
import { registerDocs } from './http/docs/routes.ts';
import { registerHealth } from './http/health.ts';
import { type BodyCheck, bodyCheck } from './http/json-body.ts';
import { JWKS_PATH, registerJwks } from './http/jwks.ts';
import { apiAt, listen, metricsAt } from './http/listen.ts';
import { createOpsApp, registerMetrics } from './http/ops-app.ts';
import { createSessions } from './http/sessions.ts';
import { registerUi } from './http/ui/routes.ts';
import { openSite } from './http/ui/site.ts';
import { createMetrics, type Metrics } from './ops/metrics.ts';
import { ReadinessCheck } from './ops/readiness.ts';
import { systemClock as clock, systemIds as ids, requestIds } from './ops/runtime.ts';
import { createPush } from './outbound/push.ts';
import { type MadeAdminKey, openAdminKey } from './storage/admin-key-file.ts';
import { openStorage } from './storage/open.ts';
import { openSealer } from './storage/open-sealer.ts';

export interface RunningServer {
  /** Where clients reach the API, and where Prometheus does. */
  readonly url: string;
  readonly metricsUrl: string;
  /** `host:port` of gRPC; null where it is switched off. */
  readonly grpcAddress: string | null;
  /** What the data is kept in, for people to read; without secrets. */
  readonly database: string;
  /** The file of an admin key that Parley made, and whether this start made it. */
  readonly adminKey: MadeAdminKey | null;
  /** Stops accepting, ends streams at a resumable position, gives leases back, closes the database. May be called twice. */
  stop(): Promise<void>;
}

/** How long stopping waits for connections that are in use, once the time to drain is over. */
const CLOSE_MS = 5000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Starts the server, or releases whatever it had begun with and rejects. Parts stop in the reverse order of their start;
 * one that cannot stop cleanly is logged and does not keep the others from it.
 *
 * @param moreAgents served besides the built-in ones
 */
export async function startServer(
  config: Config,
  logger: PinoLogger,
  moreAgents: readonly Agent[] = [],
): Promise<RunningServer> {
  const stops: (() => Promise<void> | void)[] = [];
  const stopAll = once(async () => {
    for (const stop of stops.reverse()) {
      try {
        await stop();
      } catch (err) {
        logger.error({ err }, 'a part did not stop cleanly');
      }
    }
  });
  try {
    return await build(config, logger, moreAgents, stops, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function build(
  config: Config,
  logger: PinoLogger,
  moreAgents: readonly Agent[],
  stops: (() => Promise<void> | void)[],
  stopAll: () => Promise<void>,
): Promise<RunningServer> {
  const startedAtMs = clock.now();
  const metrics = createMetrics();
  const activity = new Activity(clock);
  const storage = await openStorage({ url: config.database.url, pool: config.database.pool, clock, logger });
  stops.push(() => storage.close());
  await storage.lockForServer();
  const migrations = (await storage.migrate()).map(({ version, name }) => `${version} ${name}`);
  if (migrations.length > 0) logger.info({ migrations: migrations.join(', ') }, 'migrations applied');

  const secrets = await openSealer({
    ...config.secrets,
    encryptionKey: config.secrets.encryptionKey,
    needsAllKeys: true,
    dataDir: config.dataDir,
    store: storage.sealedValues,
    columns: SEALED_COLUMNS,
    randomBytes,
    logger,
  });
  const { sealer } = secrets;
  const signingKeys = new SigningKeys({ store: storage.signingKeys, sealer, clock, logger });
  await signingKeys.start();
  stops.push(() => signingKeys.stop());

  const keyFile = { dataDir: config.dataDir, problemOf: adminKeyProblem, randomBytes, clock, log: logger };
  const { source: adminKey, made } = openAdminKey({ ...config.auth, ...keyFile });
  const adminTokens = new AdminTokens({ adminKey, clock, ids, ttlSeconds: config.auth.adminTokenTtlSeconds });
  const authenticator = new Authenticator({
    mode: config.auth.mode,
    store: storage.apiKeys,
    adminKey,
    adminTokens,
    clock,
    metrics: metrics.auth,
    log: logger,
  });
  authenticator.start();
  stops.push(() => authenticator.stop());
  const access = createSessions({
    mode: config.auth.mode,
    settings: config.sessions,
    store: storage.sessions,
    authenticator,
    adminKey,
    clock,
    ids,
    randomBytes,
    logger,
    isBehindTls: config.server.behindTlsProxy,
    publicUrl: config.server.publicUrl,
    onEnded: (sessionId) => live.recheck({ sessionId }),
  });

  const agents = new AgentRegistry([...builtInAgents(config), ...moreAgents], config.agents.default);
  const push = createPush({
    settings: config.push,
    store: storage.push,
    sealer,
    signer: signingKeys,
    clock,
    ids,
    logger,
    metrics: metrics.push,
  });
  const engine = new TaskEngine({
    store: storage.tasks,
    agents,
    clock,
    ids,
    logger,
    metrics: activity.counting(metrics.task),
    limits: config.tasks,
    streams: config.streams,
    deduplication: {
      keyTtlMs: config.idempotency.keyTtlHours * HOUR_MS,
      messageIdWindowMs: config.idempotency.messageIdWindowMinutes * MINUTE_MS,
    },
    commitMaxWrites: config.tasks.commitMaxWrites,
    isShared: storage.kind !== 'sqlite',
    commitMaxConcurrent: storage.kind === 'sqlite' ? 1 : 4,
    replicaId: randomUUID(),
    onDeliveries: () => push.sender.wake(),
  });
  const retention = new Retention({ store: storage.tasks, clock, logger, logDays: config.tasks.logRetentionDays });
  let isReady = false;
  const readiness = new ReadinessCheck({
    isOpen: () => isReady,
    ping: () => storage.ping(),
    isStoring: () => engine.isStoring,
    clock,
    logger,
  });

  const { metricsHost } = config.ops;
  const opsHosts = isLoopbackHost(metricsHost) ? config.server.allowedHosts : null;
  const ops = createOpsApp({ logger, readiness, metrics: metrics.registry, allowedHosts: opsHosts });
  stops.push(() => ops.close());
  const gate: Gate = {
    authenticator,
    requests: limiterOf(config, metrics, config.rateLimit.perMinute, 'requests'),
    failures: limiterOf(config, metrics, config.rateLimit.failedAuthPerMinute, 'failed-authentications'),
  };
  const checkBody = bodyCheck(
    { maxDepth: config.server.maxJsonDepth, maxValues: config.server.maxJsonValues },
    (limit) => metrics.task.limitReached(limit),
  );
  const newRequestId = requestIds();
  const doors = { gate, sessions: access.opened, newRequestId, checkBody };
  const app = createApi(config, logger, metrics, doors, (status) => activity.requestDone(status));
  stops.push(() => closeSoon(app));
  let grpc: GrpcListener | null = null;
  stops.push(() => grpc?.stop(CLOSE_MS));
  const streams = new OpenStreams(config.streams, clock, logger, metrics.streams, ({ credential, principal }) =>
    mayStay(principal, () => authenticator.recheck(credential)),
  );
  stops.push(() => streams.stop());
  registerHealth(app, readiness);
  if (config.ops.metricsOnMain) registerMetrics(app, metrics.registry);
  const publicUrl = (): string => publicUrlOf(config, app);
  const isSecured = config.auth.mode === 'key';
  const hasExtended = isSecured && config.cards.extended;
  const cardAt = (agent: Agent, path: string) => {
    const grpcAddress = grpc === null ? null : publicGrpcAddress(config, grpc.port);
    const place = { url: `${publicUrl()}${path}`, grpcAddress, isDefault: agent.id === agents.defaultId };
    return cardOf(agent, place, { isSecured, hasExtended });
  };
  const jku = () => `${publicUrl()}${JWKS_PATH}`;
  const cardSigner = new CardSigner({ keys: signingKeys, store: storage.cardSignatures, jku, clock });
  const signer = config.cards.sign ? cardSigner : null;
  const cards = new ExtendedCards({
    agents,
    cardOf: (agent) => cardAt(agent, `/a2a/agents/${agent.id}`),
    isConfigured: hasExtended,
    limits: callerLimits(config),
    signer,
  });
  const operations = { tasks: new TaskService(engine, push.configs), push: push.configs, cards };
  const { invalidV03Status } = config.agents;
  await app.register(async (scope) => registerA2a(scope, { operations, agents, streams, checkBody, invalidV03Status }));
  const keys = new ApiKeyService({
    store: storage.apiKeys,
    clock,
    ids,
    randomBytes,
    onChanged: (keyId) => {
      authenticator.forget(keyId);
      streams.recheck(keyId);
      live.recheck({ keyId });
    },
  });
  registerAdminToken(app, { adminTokens, authenticator });
  registerKeys(app, { keys, clock });
  registerDeliveries(app, { deliveries: push.deliveries });
  registerEncryption(app, secrets);
  registerSigningKeys(app, { signingKeys, cardSigner });
  registerJwks(app, { signer: signingKeys });
  activity.start({ running: () => engine.runningCount, queued: () => engine.queue.depth });
  stops.push(() => activity.stop());
  metrics.observe({
    runningTasks: () => engine.runningCount,
    queuedWrites: () => engine.queue.depth,
    openStreams: () => streams.openCount,
    agents: () => agents.all().length,
    outbox: () => push.sender.stats,
  });

  const metricsUrl = (): string => listenUrl('http', config.ops.metricsHost, portOf(ops));
  const servedCards = new ServedCards({ cardOf: cardAt, signer, clock, logger });
  registerCards(app, { agents, cards: servedCards });
  const { version } = programInfo();
  const listeners = () => [
    { name: 'API', url: listenUrl(schemeOf(config), config.server.host, portOf(app)) },
    ...(grpc === null ? [] : [{ name: 'gRPC', url: listenAddress(config.grpc.host, grpc.port) }]),
    { name: 'Metrics', url: metricsUrl() },
  ];
  const live = registerConsole(app, {
    engine,
    browser: storage.browser,
    service: operations.tasks,
    agents,
    cards: servedCards,
    publicUrl,
    access,
    activity,
    liveLimits: { ...config.streams, ...config.live },
    limitReached: (limit) => metrics.task.limitReached(limit),
    deadLetters: () => push.sender.stats.dead,
    readiness,
    settings: () => settingsOf(config),
    facts: { version, startedAtMs, database: storage, listeners },
    streams,
    clock,
    ids,
    logger,
  });
  stops.push(() => live.stop());
  const hasConsole = registerUi(app, openSite(join(PROGRAM_DIR, '../web/dist')));
  const isMetricsOnMain = config.ops.metricsOnMain;
  registerDocs(app, {
    version,
    hasConsole,
    assetsDir: join(PROGRAM_DIR, 'http/docs/assets'),
    agents,
    publicUrl,
    metricsUrl,
    isMetricsOnMain,
    isSecured,
  });

  // Pushed before the start: what a failed one has begun ends too. Nothing is worth waiting for until clients can come.
  let drainMs = 0;
  stops.push(() => push.stop(drainMs));
  stops.push(() => engine.stop(drainMs));
  await engine.start();
  retention.start();
  stops.push(() => retention.stop());
  await listen(ops, metricsAt(config.ops));
  // Before HTTP: cards say where gRPC is.
  if (config.grpc.enabled) {
    const shared = { operations, agents, streams, gate, readiness, newRequestId, clock, logger };
    grpc = await openGrpc(config, { ...shared, metrics: metrics.grpc });
  }
  await listen(app, apiAt(config.server));
  isReady = true;
  // A library that takes its time to load: whoever asks by HTTP need not wait for it.
  grpc?.serve();
  drainMs = config.server.drainMs;
  push.start();
  storage.warmUp().catch((err: unknown) => logger.error({ err }, 'storage could not be warmed up'));
  secrets.rekeying.sealPlaintext().catch((err: unknown) => logger.error({ err }, 'plaintext could not be sealed'));
  // Not ready first, so that no balancer sends more. Then what runs may end, then streams, then the listeners.
  const stop = (): Promise<void> => {
    isReady = false;
    return stopAll();
  };
  const url = listenUrl(schemeOf(config), config.server.host, portOf(app));
  const grpcListens = grpc === null ? null : listenAddress(config.grpc.host, grpc.port);
  return {
    url,
    metricsUrl: metricsUrl(),
    grpcAddress: grpcListens,
    database: storage.description,
    adminKey: made,
    stop,
  };
}

/** Waits for answers on their way, yet not for clients that never finish their request: anyone can be such a client. */
async function closeSoon(app: FastifyInstance): Promise<void> {
  const cancel = clock.after(CLOSE_MS, () => app.server.closeAllConnections());
  try {
    await app.close();
  } finally {
    cancel();
  }
}

function createApi(
  config: Config,
  logger: PinoLogger,
  metrics: Metrics,
  doors: {
    readonly gate: Gate;
    readonly sessions: OpensSessions | null;
    readonly newRequestId: () => string;
    readonly checkBody: BodyCheck;
  },
  onRequest: (status: number) => void,
): FastifyInstance {
  const { server } = config;
  return createApp({
    ...server,
    ...doors,
    logger,
    tls: tlsOf(server.tls),
    hosts: { ...server, publicOrigin: new URL(server.publicUrl).origin },
    onRequestDone: (method, route, status, seconds) => {
      metrics.http.requestDone(method, route, status, seconds);
      onRequest(status);
    },
    onUnreadable: metrics.http.unreadable,
  });
}

function openGrpc(
  { server, grpc }: Config,
  shared: Omit<GrpcOptions, 'host' | 'port' | 'tls' | 'trustProxy' | 'limits' | 'health' | 'reflection'>,
): Promise<GrpcListener> {
  const { trustProxy } = server;
  return listenGrpc({ ...shared, ...grpc, tls: tlsOf(grpc.tls), trustProxy, limits: { ...server, ...grpc } });
}

function tlsOf({ certFile, keyFile }: Config['server']['tls']): { cert: Buffer; key: Buffer } | null {
  if (certFile === undefined || keyFile === undefined) return null;
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

/** null for a limit of 0, which is none. */
function limiterOf(config: Config, metrics: Metrics, perMinute: number, endpoint: string): RateLimiter | null {
  if (perMinute === 0) return null;
  const { maxBuckets } = config.rateLimit;
  return new RateLimiter({ perMinute, maxBuckets, clock, metrics: metrics.rateLimit, endpoint });
}

function builtInAgents(config: Config): Agent[] {
  return config.agents.echo.enabled ? [echoAgent({ pushNotifications: config.push.enabled })] : [];
}

const schemeOf = (config: Config): 'http' | 'https' => (config.server.tls.certFile === undefined ? 'http' : 'https');

function portOf(app: FastifyInstance): number {
  const address = app.server.address() as AddressInfo | null;
  return address?.port ?? 0;
}

/** As configured; by default where the server listens, which for port 0 is known only then. */
function publicUrlOf(config: Config, app: FastifyInstance): string {
  const isDefault = config.sources['server.publicUrl'] === 'default';
  const url = isDefault ? listenUrl(schemeOf(config), config.server.host, portOf(app)) : config.server.publicUrl;
  return url.replace(/\/$/, '');
}

/** As configured; by default on the host of the public URL, and for port 0 the port that was free. */
function publicGrpcAddress(config: Config, port: number): string {
  const isDefault = config.sources['grpc.publicAddress'] === 'default';
  return isDefault ? `${new URL(config.server.publicUrl).hostname}:${port}` : config.grpc.publicAddress;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= work());
}
