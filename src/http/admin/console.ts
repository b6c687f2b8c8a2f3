/** What the console needs of the management API: its routes, and the live streams behind them. */
import type { FastifyInstance } from 'fastify';
import type { ActivityStore } from '../../core/activity/activity-store.ts';
import type { AgentRegistry } from '../../core/agents/registry.ts';
import type { Captures } from '../../core/captures/captures.ts';
import type { Clock } from '../../core/clock.ts';
import type { Ids } from '../../core/ids.ts';
import type { Logger } from '../../core/logger.ts';
import type { PushConfigs } from '../../core/push/push-configs.ts';
import type { OpenStreams } from '../../core/streams/open-streams.ts';
import type { TaskBrowser } from '../../core/tasks/browser.ts';
import { TaskBrowsing } from '../../core/tasks/browsing.ts';
import type { TaskEngine } from '../../core/tasks/engine.ts';
import type { TaskService } from '../../core/tasks/service.ts';
import type { ServedCards } from '../a2a/served-cards.ts';
import type { Readiness } from '../health.ts';
import type { SessionParts } from '../sessions.ts';
import { registerAgents } from './agents.ts';
import { registerCaptures } from './captures.ts';
import { registerGlances } from './glances.ts';
import { registerLive } from './live.ts';
import { type LiveLimits, LiveStreams } from './live-streams.ts';
import { registerOverview } from './overview.ts';
import { registerPushConfigs } from './push-configs.ts';
import { registerServer, type ServerFacts } from './server.ts';
import type { Settings } from './server-contract.ts';
import { registerSessions } from './session.ts';
import { registerTaskActions } from './task-actions.ts';
import { registerTasks } from './tasks.ts';

export interface ConsoleOptions {
  readonly engine: TaskEngine;
  readonly browser: TaskBrowser;
  readonly service: TaskService;
  readonly agents: AgentRegistry;
  readonly cards: ServedCards;
  readonly publicUrl: () => string;
  readonly access: SessionParts;
  readonly activity: ActivityStore;
  readonly liveLimits: LiveLimits;
  readonly limitReached: (limit: string) => void;
  /** Push deliveries that were given up. */
  readonly deadLetters: () => number;
  readonly captures: Captures;
  readonly push: PushConfigs;
  readonly readiness: Readiness;
  readonly settings: () => Settings;
  readonly facts: Omit<ServerFacts, 'replicaId' | 'load'>;
  /** Event streams of A2A. */
  readonly streams: OpenStreams;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
}

/** Registers the routes. The caller stops what it returns. */
export function registerConsole(app: FastifyInstance, options: ConsoleOptions): LiveStreams {
  const { engine, browser, service, agents, activity, clock, ids, logger, access } = options;
  const { sessions, cookie, mode } = access;
  const { store, hub, feed, isShared, replicaId } = engine;
  const browsing = new TaskBrowsing({ browser, store, clock, log: logger });
  const { liveLimits: limits, limitReached } = options;
  const mayStay = access.mayStay;
  const shared = { browsing, browser, store, hub, feed, isShared, budget: options.streams };
  const live = new LiveStreams({ ...shared, limits, clock, ids, logger, mayStay, limitReached });
  const load = () => ({
    runningTasks: engine.runningCount,
    queuedTasks: engine.queuedCount,
    queuedWrites: engine.queue.depth,
    openStreams: options.streams.openCount,
    liveConnections: live.openCount,
  });

  registerSessions(app, { sessions, cookie, authentication: mode });
  registerTasks(app, { browsing, replicaId });
  registerGlances(app, { browsing, fullFor: (scope) => engine.fullFor(scope), clock });
  registerTaskActions(app, { browsing, service, agents, ids });
  registerPushConfigs(app, { push: options.push, browsing, agents });
  registerCaptures(app, { captures: options.captures, browsing, agents });
  registerLive(app, { streams: live });
  const { deadLetters } = options;
  registerOverview(app, { browsing, activity, clock, deadLetters, queued: () => engine.queuedCount });
  registerAgents(app, { agents, browsing, publicUrl: options.publicUrl, cards: options.cards });
  const { readiness, settings } = options;
  registerServer(app, { facts: { ...options.facts, replicaId, load }, activity, readiness, clock, settings });
  return live;
}
