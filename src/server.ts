/** The composition root: builds the parts of `server/` from the configuration, starts them in order, and stops them in reverse. */
import type { Logger as PinoLogger } from 'pino';
import type { Config } from './config/load.ts';
import { programInfo } from './config/program.ts';
import { AdminKeyAgreement } from './core/access/admin-key-agreement.ts';
import { mayStay } from './core/access/may-stay.ts';
import { Activity } from './core/activity/activity.ts';
import { ActivityReporter } from './core/activity/reporter.ts';
import type { Agent } from './core/agents/registry.ts';
import { OpenStreams } from './core/streams/open-streams.ts';
import type { GrpcListener } from './grpc/listener.ts';
import { bodyCheck } from './http/json-body.ts';
import { apiAt, listen, metricsAt } from './http/listen.ts';
import { createMetrics } from './ops/metrics.ts';
import { ReadinessCheck } from './ops/readiness.ts';
import { systemClock as clock, requestIds } from './ops/runtime.ts';
import { openAccess } from './server/access.ts';
import { Addresses } from './server/addresses.ts';
import { openData } from './server/data.ts';
import type { Ground } from './server/ground.ts';
import { CLOSE_MS, createApi, createOps, openGrpc } from './server/listeners.ts';
import { registerRoutes } from './server/routes.ts';
import { Stops } from './server/stops.ts';
import { createTasks } from './server/tasks.ts';
import type { MadeAdminKey } from './storage/admin-key-file.ts';

/** What takes time, and no first answer needs, begins so long after the start. */
export const LATER_MS = 500;

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
  const stops = new Stops(logger);
  const ground = { config, logger, metrics: createMetrics(), activity: new Activity(clock), stops };
  try {
    return await build(ground, moreAgents);
  } catch (error) {
    await stops.all();
    throw error;
  }
}

async function build(ground: Ground, moreAgents: readonly Agent[]): Promise<RunningServer> {
  const { config, logger, metrics, activity, stops } = ground;
  const startedAtMs = clock.now();
  let isReady = false;
  let isLeaving = false;

  // ---- what there is ----

  const data = await openData(ground);
  const { storage, secrets } = data;
  const access = await openAccess(ground, data, {
    onSessionEnded: (sessionId) => {
      live.recheck({ sessionId });
      engine.link?.announceSession(sessionId);
    },
    replicas: () => engine.replicaCount,
  });
  const { authenticator } = access;
  /** Here, or on another replica. */
  const keyChanged = (keyId: string): void => {
    authenticator.forget(keyId);
    streams.recheck(keyId);
    live.recheck({ keyId });
  };
  const tasks = await createTasks(ground, data, moreAgents, {
    onKey: keyChanged,
    onSession: (sessionId) => {
      access.sessions.sessions.forget(sessionId);
      live.recheck({ sessionId });
    },
  });
  const { agents, engine, push, retention, captures } = tasks;
  // After the listeners: what they still say is captured, too.
  stops.push(() => captures.stop());
  const readiness = new ReadinessCheck({
    isOpen: () => isReady,
    ping: () => storage.ping(),
    isStoring: () => engine.isStoring,
    clock,
    logger,
  });

  const newRequestId = requestIds();
  const { maxJsonDepth: maxDepth, maxJsonValues: maxValues } = config.server;
  const checkBody = bodyCheck({ maxDepth, maxValues }, (limit) => metrics.task.limitReached(limit));
  const ops = createOps(ground, readiness);
  const api = createApi(ground, { access, newRequestId, checkBody, isLeaving: () => isLeaving });
  let grpc: GrpcListener | null = null;
  stops.push(() => grpc?.stop(CLOSE_MS));
  const addresses = new Addresses(config, {
    api,
    ops,
    get grpc() {
      return grpc;
    },
  });
  const streams = new OpenStreams(config.streams, clock, logger, metrics.streams, ({ credential, principal }) =>
    mayStay(principal, () => authenticator.recheck(credential)),
  );
  stops.push(() => streams.stop());
  // Stopped after the engine: what ends while it drains counts too.
  const reporter = new ActivityReporter({
    activity,
    store: storage.activity,
    clock,
    logger,
    load: () => ({
      runningTasks: engine.runningCount,
      queuedTasks: engine.queuedCount,
      queuedWrites: engine.queue.depth,
    }),
  });
  stops.push(() => reporter.stop());
  metrics.observe({
    runningTasks: () => engine.runningCount,
    queuedTasks: () => engine.queuedCount,
    queuedWrites: () => engine.queue.depth,
    openStreams: () => streams.openCount,
    agents: () => agents.all().length,
    outbox: () => push.sender.stats,
    isCountingTogether: () => access.limiters.isShared,
    isBusUp: () => engine.link?.isUp ?? null,
  });
  const { operations, live } = await registerRoutes(api, ground, {
    data,
    access,
    tasks,
    streams,
    addresses,
    readiness,
    checkBody,
    startedAtMs,
    onKeyChanged: (keyId) => {
      keyChanged(keyId);
      engine.link?.announceKey(keyId);
    },
  });
  stops.push(() => live.stop());

  // ---- its start ----

  // Pushed before the start: what a failed one has begun ends too. Nothing is worth waiting for until clients can come.
  let drainMs = 0;
  let leftAtMs = 0;
  stops.push(() => push.stop(drainMs));
  await captures.start();
  // What was not needed of the time to drain is left for answers that come from other replicas.
  stops.push(() => engine.stop(0, Math.max(0, drainMs - (clock.now() - leftAtMs)) + CLOSE_MS));
  stops.push(() => streams.stop());
  stops.push(() => {
    leftAtMs = clock.now();
    return engine.leave(drainMs);
  });
  await engine.start();
  if (storage.adminKeyMarks !== null && config.auth.mode === 'key') {
    const { adminKey } = access;
    const { replicaId } = engine;
    const check = new AdminKeyAgreement({
      marks: storage.adminKeyMarks,
      adminKey,
      ring: secrets.ring,
      replicaId,
      clock,
      logger,
    });
    check.start();
    stops.push(() => check.stop());
  }
  retention.start();
  stops.push(() => retention.stop());
  await listen(ops, metricsAt(config.ops));
  // Before HTTP: cards say where gRPC is.
  if (config.grpc.enabled) {
    const shared = { operations, agents, streams, captures, gate: access.gate, readiness, newRequestId, clock, logger };
    grpc = await openGrpc(config, { ...shared, metrics: metrics.grpc });
  }
  await listen(api, apiAt(config.server));
  const { version } = programInfo();
  reporter.start({ id: engine.replicaId, name: addresses.replicaName, version, startedAtMs });
  isReady = true;
  grpc?.serve();
  drainMs = config.server.drainMs;
  push.start();
  const cancelLater = clock.after(LATER_MS, () => {
    grpc?.load();
    storage.warmUp().catch((err: unknown) => logger.error({ err }, 'storage could not be warmed up'));
    secrets.rekeying.sealPlaintext().catch((err: unknown) => logger.error({ err }, 'plaintext could not be sealed'));
  });
  stops.push(cancelLater);

  // ---- its end ----

  // Not ready first, so that no balancer sends more. Then what runs may end, then streams, then the listeners.
  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    isReady = false;
    isLeaving = true;
    await new Promise<void>((resolve) => clock.after(config.server.drainDelayMs, resolve));
    await engine.lookForOthers();
    await stops.all();
  };
  const { url, metricsUrl, grpcAddress } = addresses;
  const { description: database } = storage;
  return { url, metricsUrl, grpcAddress, database, adminKey: access.madeAdminKey, stop: () => (stopping ??= stop()) };
}
