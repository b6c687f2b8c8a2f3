/** Agents and what becomes of their tasks: the engine, its link to other replicas, push notifications, retention, captures. */
import { randomBytes, randomUUID } from 'node:crypto';
import { echoAgent } from '../agents/echo/agent.ts';
import { openBus } from '../bus/open.ts';
import type { Config } from '../config/load.ts';
import { type Agent, AgentRegistry } from '../core/agents/registry.ts';
import { Captures } from '../core/captures/captures.ts';
import type { ReplicaLinkOptions } from '../core/replicas/link.ts';
import { AesGcmLetterSeal } from '../core/replicas/seal.ts';
import { TaskEngine } from '../core/tasks/engine.ts';
import { Retention } from '../core/tasks/retention.ts';
import { systemClock as clock, systemIds as ids } from '../ops/runtime.ts';
import { createPush, type Push } from '../outbound/push.ts';
import type { Data } from './data.ts';
import { type Ground, HOUR_MS, MINUTE_MS } from './ground.ts';

/** Started and stopped by the caller, in the order that a server needs. */
export interface Tasks {
  readonly agents: AgentRegistry;
  readonly engine: TaskEngine;
  readonly push: Push;
  readonly retention: Retention;
  readonly captures: Captures;
}

/** @param heard what other replicas say of keys and sessions */
export async function createTasks(
  ground: Ground,
  data: Data,
  moreAgents: readonly Agent[],
  heard: Pick<ReplicaLinkOptions, 'onKey' | 'onSession'>,
): Promise<Tasks> {
  const { config, logger, metrics, activity } = ground;
  const { storage, secrets, signingKeys } = data;
  const isShared = storage.kind !== 'sqlite';
  const agents = new AgentRegistry([...builtInAgents(config), ...moreAgents], config.agents.default);
  const push = createPush({
    settings: config.push,
    store: storage.push,
    sealer: secrets.sealer,
    signer: signingKeys,
    clock,
    ids,
    logger,
    metrics: metrics.push,
  });
  const { postgresUrl } = storage;
  const bus = await openBus({ settings: config.bus, postgresUrl, clock, logger, random: Math.random });
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
    isShared,
    commitMaxConcurrent: isShared ? 2 : 1,
    replicaId: randomUUID(),
    random: Math.random,
    onDeliveries: () => push.sender.wake(),
    onWorkQueued: () => engine.link?.announceWork(),
    link: bus && {
      ...heard,
      bus,
      seal: new AesGcmLetterSeal(secrets.ring, randomBytes),
      metrics: metrics.replicas,
      onWork: () => engine.lookForWork(),
    },
  });
  const retention = new Retention({
    store: storage.tasks,
    clock,
    logger,
    logDays: config.tasks.logRetentionDays,
    taskDays: config.tasks.retentionDays,
    prunes: {
      'expired nonces': (nowMs, limit) => storage.nonces.prune(nowMs, limit),
      'past activity': (nowMs, limit) => storage.activity.prune(nowMs, limit),
      'past windows of rate limits': async (_nowMs, limit) => (await storage.rateCounts?.prune(limit)) ?? 0,
    },
    metrics: metrics.retention,
  });
  const captures = new Captures({
    store: storage.captures,
    clock,
    ids,
    logger,
    limits: { ...config.captures, keepMs: config.captures.keepHours * HOUR_MS },
    metrics: metrics.captures,
    isShared,
  });
  return { agents, engine, push, retention, captures };
}

function builtInAgents(config: Config): Agent[] {
  return config.agents.echo.enabled ? [echoAgent({ pushNotifications: config.push.enabled })] : [];
}
