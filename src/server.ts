/** The composition root: builds every part from the configuration, starts them in order, and stops them in reverse. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger as PinoLogger } from 'pino';
import { echo } from './agents/echo/agent.ts';
import type { Config } from './config/load.ts';
import { settingsOf } from './config/mask.ts';
import { isLoopbackHost, listenUrl } from './config/network.ts';
import { adminKeyProblem } from './config/secrets.ts';
import { type AdminKeySource, fixedAdminKey } from './core/access/admin-key.ts';
import { AdminTokens } from './core/access/admin-tokens.ts';
import { ApiKeyService } from './core/access/api-keys.ts';
import { Authenticator } from './core/access/authenticator.ts';
import { Sessions } from './core/access/sessions.ts';
import { Activity } from './core/activity/activity.ts';
import { ExtendedCards } from './core/agents/extended-cards.ts';
import { type Agent, AgentRegistry } from './core/agents/registry.ts';
import { PushConfigs } from './core/push/push-configs.ts';
import { SEALED_COLUMNS } from './core/secrets/sealed-columns.ts';
import { SigningKeys } from './core/signing/signing-keys.ts';
import { TaskBrowsing } from './core/tasks/browsing.ts';
import { TaskEngine } from './core/tasks/engine.ts';
import { Retention } from './core/tasks/retention.ts';
import { TaskService } from './core/tasks/service.ts';
import { cardOf, registerCards } from './http/a2a/cards.ts';
import { registerA2a } from './http/a2a/routes.ts';
import { SseStreams } from './http/a2a/sse.ts';
import { registerAgents } from './http/admin/agents.ts';
import { registerEncryption } from './http/admin/encryption.ts';
import { registerKeys } from './http/admin/keys.ts';
import { registerLive } from './http/admin/live.ts';
import { LiveStreams } from './http/admin/live-streams.ts';
import { registerOverview } from './http/admin/overview.ts';
import { registerServer } from './http/admin/server.ts';
import { registerSessions } from './http/admin/session.ts';
import { registerSigningKeys } from './http/admin/signing-keys.ts';
import { registerTaskActions } from './http/admin/task-actions.ts';
import { registerTasks } from './http/admin/tasks.ts';
import { registerAdminToken } from './http/admin/token.ts';
import { createApp } from './http/app.ts';
import type { GateOptions } from './http/authenticate.ts';
import { registerDocs } from './http/docs/routes.ts';
import { registerHealth } from './http/health.ts';
import { registerJwks } from './http/jwks.ts';
import { mayStay } from './http/may-stay.ts';
import { createOpsApp, registerMetrics } from './http/ops-app.ts';
import { RateLimiter } from './http/rate-limit.ts';
import { SessionCookie } from './http/session-cookie.ts';
import { createMetrics, type Metrics } from './ops/metrics.ts';
import { ReadinessCheck } from './ops/readiness.ts';
import { systemClock as clock, systemIds as ids } from './ops/runtime.ts';
import { AdminKeyFile, defaultAdminKeyFile } from './storage/admin-key-file.ts';
import { openStorage } from './storage/open.ts';
import { openSealer } from './storage/open-sealer.ts';

export interface RunningServer {
  /** Where clients reach the API, and where Prometheus does. */
  readonly url: string;
  readonly metricsUrl: string;
  /** What the data is kept in, for people to read; without secrets. */
  readonly database: string;
  /** The file of an admin key that Parley made, and whether this start made it. */
  readonly adminKey: { readonly file: string; readonly isNew: boolean; readonly key: string } | null;
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
 */
export async function startServer(config: Config, logger: PinoLogger): Promise<RunningServer> {
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
    return await build(config, logger, stops, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function build(
  config: Config,
  logger: PinoLogger,
  stops: (() => Promise<void> | void)[],
  stopAll: () => Promise<void>,
): Promise<RunningServer> {
  const startedAtMs = clock.now();
  const metrics = createMetrics();
  const activity = new Activity(clock);
  const storage = await openStorage({ url: config.database.url, pool: config.database.pool, clock, logger });
  stops.push(() => storage.close());
  await storage.lockForServer();
  for (const { version, name } of await storage.migrate())
    logger.info({ version, migration: name }, 'migration applied');

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

  const { source: adminKey, made } = openAdminKey(config, logger);
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

  const sessions = new Sessions({
    store: storage.sessions,
    authenticator,
    adminKey,
    clock,
    ids,
    randomBytes,
    limits: {
      idleMs: config.sessions.idleMinutes * MINUTE_MS,
      maxAgeMs: config.sessions.maxHours * HOUR_MS,
      maxPerOwner: config.sessions.maxPerOwner,
    },
    log: logger,
    onEnded: (sessionId) => live.recheck({ sessionId }),
  });
  const { publicUrl: configuredUrl, behindTlsProxy } = config.server;
  const cookie = new SessionCookie({
    isSecure: schemeOf(config) === 'https' || behindTlsProxy || configuredUrl.startsWith('https:'),
    publicOrigin: new URL(configuredUrl).origin,
  });
  const agents = new AgentRegistry(builtInAgents(config), config.agents.default);
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
  const failures = limiterOf(config, metrics, config.rateLimit.failedAuthPerMinute, 'failed-authentications');
  const opensSessions = {
    cookie,
    open: (token: string) => sessions.open(token),
    isKnown: (token: string) => sessions.isKnown(token),
  };
  const app = createApi(config, logger, metrics, activity, {
    authenticator,
    sessions: config.auth.mode === 'key' ? opensSessions : null,
    requests: limiterOf(config, metrics, config.rateLimit.perMinute, 'requests'),
    failures,
  });
  stops.push(() => closeSoon(app));
  const stays = mayStay({ authenticator, sessions, cookie });
  const streams = new SseStreams(config.streams, clock, logger, metrics.streams, stays);
  stops.push(() => streams.stop());
  const browsing = new TaskBrowsing({ browser: storage.browser, store: storage.tasks, log: logger });
  const live = new LiveStreams({
    browsing,
    browser: storage.browser,
    store: storage.tasks,
    hub: engine.hub,
    feed: engine.feed,
    isShared: engine.isShared,
    limits: { ...config.streams, ...config.live },
    clock,
    ids,
    logger,
    mayStay: stays,
    limitReached: metrics.task.limitReached,
  });
  stops.push(() => live.stop());
  registerHealth(app, readiness);
  if (config.ops.metricsOnMain) registerMetrics(app, metrics.registry);
  const operations = { tasks: new TaskService(engine), push: new PushConfigs(), cards: new ExtendedCards() };
  await app.register(async (scope) => registerA2a(scope, { operations, agents, streams }));
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
  registerTasks(app, { browsing, replicaId: engine.replicaId });
  registerOverview(app, { browsing, activity, clock });
  registerLive(app, { streams: live });
  registerTaskActions(app, { browsing, service: operations.tasks, agents, ids });
  registerSessions(app, { sessions, cookie, authentication: config.auth.mode });
  registerEncryption(app, secrets);
  registerSigningKeys(app, { signingKeys });
  registerJwks(app, { signer: signingKeys });
  const load = () => ({
    runningTasks: engine.runningCount,
    queuedWrites: engine.queue.depth,
    openStreams: streams.openCount,
    liveConnections: live.openCount,
  });
  activity.start({ running: () => engine.runningCount, queued: () => engine.queue.depth });
  stops.push(() => activity.stop());
  metrics.observe({
    runningTasks: () => engine.runningCount,
    queuedWrites: () => engine.queue.depth,
    openStreams: () => streams.openCount,
    agents: () => agents.all().length,
  });

  const publicUrl = (): string => publicUrlOf(config, app);
  const metricsUrl = (): string => listenUrl('http', config.ops.metricsHost, portOf(ops));
  const isSecured = config.auth.mode === 'key';
  registerCards(app, { agents, publicUrl, isSecured, changedAt: new Date() });
  registerAgents(app, { agents, browsing, publicUrl, cardOf: (agent, address) => cardOf(agent, address, isSecured) });
  const version = programVersion();
  const listeners = () => [
    { name: 'API', url: listenUrl(schemeOf(config), config.server.host, portOf(app)) },
    { name: 'Metrics', url: metricsUrl() },
  ];
  const facts = { version, startedAtMs, replicaId: engine.replicaId, database: storage, listeners, load };
  registerServer(app, { facts, readiness, clock, settings: () => settingsOf(config) });
  const isMetricsOnMain = config.ops.metricsOnMain;
  registerDocs(app, { version, agents, publicUrl, metricsUrl, isMetricsOnMain, isSecured });

  // Pushed before the start: what a failed one has begun ends too. Nothing is worth waiting for until clients can come.
  let drainMs = 0;
  stops.push(() => engine.stop(drainMs));
  await engine.start();
  retention.start();
  stops.push(() => retention.stop());
  await ops.listen({ port: config.ops.metricsPort, host: config.ops.metricsHost });
  await app.listen({ port: config.server.port, host: config.server.host });
  isReady = true;
  drainMs = config.server.drainMs;
  storage.warmUp().catch((err: unknown) => logger.error({ err }, 'storage could not be warmed up'));
  secrets.rekeying.sealPlaintext().catch((err: unknown) => logger.error({ err }, 'plaintext could not be sealed'));
  // Not ready first, so that no balancer sends more. Then what runs may end, then streams, then the listeners.
  const stop = (): Promise<void> => {
    isReady = false;
    return stopAll();
  };
  const url = listenUrl(schemeOf(config), config.server.host, portOf(app));
  return { url, metricsUrl: metricsUrl(), database: storage.description, adminKey: made, stop };
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
  activity: Activity,
  gate: GateOptions,
): FastifyInstance {
  const { server } = config;
  const { certFile, keyFile } = server.tls;
  return createApp({
    ...server,
    logger,
    tls:
      certFile === undefined || keyFile === undefined
        ? null
        : { cert: readFileSync(certFile), key: readFileSync(keyFile) },
    hosts: { ...server, publicOrigin: new URL(server.publicUrl).origin },
    gate,
    onRequestDone: (method, route, status, seconds) => {
      metrics.http.requestDone(method, route, status, seconds);
      activity.requestDone(status);
    },
    onUnreadable: metrics.http.unreadable,
  });
}

/** null for a limit of 0, which is none. */
function limiterOf(config: Config, metrics: Metrics, perMinute: number, endpoint: string): RateLimiter | null {
  if (perMinute === 0) return null;
  const { maxBuckets } = config.rateLimit;
  return new RateLimiter({ perMinute, maxBuckets, clock, metrics: metrics.rateLimit, endpoint });
}

function builtInAgents(config: Config): Agent[] {
  return config.agents.echo.enabled ? [echo] : [];
}

/** From the configuration, or else from a file in the data directory, which the first start makes. */
function openAdminKey(
  config: Config,
  log: PinoLogger,
): { readonly source: AdminKeySource; readonly made: RunningServer['adminKey'] } {
  const { adminKey, adminKeyFile } = config.auth;
  const file = { problemOf: adminKeyProblem, randomBytes, clock, log };
  if (adminKeyFile !== undefined) {
    return { source: new AdminKeyFile({ ...file, path: adminKeyFile, create: false }), made: null };
  }
  if (adminKey !== undefined) return { source: fixedAdminKey(adminKey), made: null };
  const source = new AdminKeyFile({ ...file, path: defaultAdminKeyFile(config.dataDir), create: true });
  return { source, made: { file: source.path, isNew: source.isNew, key: source.current() } };
}

function programVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
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

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= work());
}
