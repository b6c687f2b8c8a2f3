/** Prometheus metrics of the whole server, also under the names that users have dashboards and alerts for. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PushMetrics } from '../core/push/metrics.ts';
import type { PushStats } from '../core/push/push-store.ts';
import type { ReplicaMetrics } from '../core/replicas/metrics.ts';
import type { TaskMetrics } from '../core/tasks/metrics.ts';
import { DURATION_BUCKETS, RequestHistogram } from './request-histogram.ts';

export interface MetricsSources {
  readonly runningTasks: () => number;
  readonly queuedTasks: () => number;
  readonly queuedWrites: () => number;
  readonly openStreams: () => number;
  readonly agents: () => number;
  readonly outbox: () => PushStats;
  readonly isCountingTogether: () => boolean;
  /** null: there is no bus, as with SQLite. */
  readonly isBusUp: () => boolean | null;
}

export interface HttpMetrics {
  /** @param seconds from the first byte of the request to the last one of the answer. */
  readonly requestDone: (method: string, route: string, status: number, seconds: number) => void;
  /** What came was no request, or not whole in time, and was answered with this status. */
  readonly unreadable: (status: number) => void;
}

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
    new Counter({ name, help, labelNames, registers });

  const unreadable = counter('parley_http_unreadable_total', 'What was no HTTP request, or not whole in time', [
    'status',
  ]);
  const requests = new RequestHistogram();
  requests.register(registry);
  const grpcRequests = counter('parley_grpc_requests_total', 'gRPC calls by method and status code', [
    'method',
    'code',
  ]);
  const grpcDurations = new Histogram({
    name: 'parley_grpc_request_duration_seconds',
    help: 'gRPC calls by method and status code; streams last until they end',
    labelNames: ['method', 'code'] as const,
    buckets: [...DURATION_BUCKETS],
    registers,
  });
  const created = counter('parley_tasks_created_total', 'Tasks created', ['agent']);
  const turns = new Histogram({
    name: 'parley_task_turn_duration_seconds',
    help: 'Turns of tasks by the state that they ended in',
    labelNames: ['agent', 'state'] as const,
    buckets: [...DURATION_BUCKETS, 60, 300, 1800],
    registers,
  });
  const events = counter('parley_task_events_total', 'Events committed to the log');
  const commits = counter('parley_commits_total', 'Group commits');
  const writes = counter('parley_commit_writes_total', 'Task writes, of which several share a commit');
  const failures = counter('parley_commit_failures_total', 'Task writes that could not be stored');
  const leaseLost = counter('parley_lease_lost_total', 'Writes refused because another holder had the task', ['agent']);
  const recovered = counter('parley_tasks_recovered_total', 'Interrupted tasks taken over', ['agent', 'how']);
  const waits = new Histogram({
    name: 'parley_task_queue_wait_seconds',
    help: 'How long queued turns had waited when they were claimed',
    labelNames: ['agent'] as const,
    buckets: [...DURATION_BUCKETS, 60, 300, 1800],
    registers,
  });
  const claims = counter(
    'parley_task_claims_total',
    'Tasks claimed that nobody ran: queued, given back, or of a dead replica',
    ['from'],
  );
  const deleted = counter('parley_tasks_deleted_total', 'Tasks deleted because they ended long ago');
  const deduplicated = counter('parley_sends_deduplicated_total', 'Sends that joined the task of an earlier one');
  const limits = counter('parley_limit_reached_total', 'Requests refused by a configured limit', ['limit']);
  const streams = counter('parley_streams_opened_total', 'Event streams opened');
  const stalled = counter('parley_streams_stalled_total', 'Event streams cut off because nobody read them');
  const rateLimited = counter('parley_rate_limited_total', 'Requests refused with 429', ['endpoint']);
  const countingAlone = counter(
    'parley_rate_limit_fallbacks_total',
    'Times that the counts which replicas share were out of reach, so that this one began to count by itself',
  );
  const evicted = counter('parley_rate_limit_buckets_evicted_total', 'Rate limit buckets dropped to make room');
  const keyAuth = counter('parley_key_auth_total', 'Authentications by API key', ['result']);

  const pushes = new Histogram({
    name: 'parley_push_attempt_duration_seconds',
    help: 'Attempts to deliver a push notification, by result',
    labelNames: ['result'] as const,
    buckets: [...DURATION_BUCKETS],
    registers,
  });
  const deadLetters = counter('parley_push_dead_letters_total', 'Push notifications given up', ['reason']);
  const pushLeaseLost = counter(
    'parley_push_lease_lost_total',
    'Push deliveries that another process took over, or that were withdrawn',
  );

  const busPayloads = counter('parley_bus_payloads_total', 'What replicas told each other, in batches', ['direction']);
  const busDropped = counter('parley_bus_dropped_total', 'What replicas told each other in vain, by reason', [
    'reason',
  ]);
  const framesStored = counter('parley_captured_frames_total', 'Wire frames captured');
  const framesLost = counter('parley_captured_frames_lost_total', 'Wire frames that could not be stored');

  // Names that users' alerts and dashboards have.
  const a2aCreated = counter('a2a_requests_created_total', 'Tasks created');
  const a2aCompleted = counter('a2a_requests_completed_total', 'Tasks ended, by status', ['status']);
  const adminAuth = counter('admin_auth_total', 'Uses of the admin key and its tokens', ['result']);
  const identityAdminAuth = counter('agent_identity_admin_auth_total', 'The same as admin_auth_total', ['result']);

  const task: TaskMetrics = {
    taskCreated: (agent) => {
      created.inc({ agent });
      a2aCreated.inc();
    },
    turnEnded: (agent, state, durationMs) => {
      turns.observe({ agent, state }, durationMs / 1000);
      const status = state.slice('TASK_STATE_'.length).toLowerCase();
      if (!status.endsWith('required')) a2aCompleted.inc({ status });
    },
    eventsCommitted: (count) => events.inc(count),
    groupCommitted: (count) => {
      commits.inc();
      writes.inc(count);
    },
    commitFailed: (count) => failures.inc(count),
    leaseLost: (agent) => leaseLost.inc({ agent }),
    taskRecovered: (agent, how) => recovered.inc({ agent, how }),
    sendDeduplicated: () => deduplicated.inc(),
    taskDequeued: (agent, waitMs) => waits.observe({ agent }, waitMs / 1000),
    taskClaimed: (from) => claims.inc({ from }),
    limitReached: (limit) => limits.inc({ limit }),
  };

  const push: PushMetrics = {
    attempted: (result, durationMs) => pushes.observe({ result }, durationMs / 1000),
    deadLettered: (reason) => deadLetters.inc({ reason }),
    leaseLost: () => pushLeaseLost.inc(),
    limitReached: (limit) => limits.inc({ limit }),
  };

  const replicas: ReplicaMetrics = {
    payloadsSent: (count) => busPayloads.inc({ direction: 'out' }, count),
    payloadReceived: () => busPayloads.inc({ direction: 'in' }),
    dropped: (reason, count) => busDropped.inc({ reason }, count),
  };

  const http: HttpMetrics = {
    requestDone: (method, route, status, seconds) => requests.observe(method, route, status, seconds),
    unreadable: (status) => unreadable.inc({ status: String(status) }),
  };

  return {
    registry,
    task,
    push,
    replicas,
    http,
    grpc: {
      /** @param seconds from the metadata of the request to the end of the answer. */
      requestDone: (method: string, code: string, seconds: number) => {
        grpcRequests.inc({ method, code });
        grpcDurations.observe({ method, code }, seconds);
      },
      limitReached: (limit: string) => limits.inc({ limit }),
    },
    streams: {
      streamOpened: () => streams.inc(),
      streamStalled: () => stalled.inc(),
      limitReached: (limit: string) => limits.inc({ limit }),
    },
    captures: {
      framesStored: (count: number) => framesStored.inc(count),
      framesLost: (count: number) => framesLost.inc(count),
      limitReached: (limit: string) => limits.inc({ limit }),
    },
    rateLimit: {
      rateLimited: (endpoint: string) => rateLimited.inc({ endpoint }),
      bucketEvicted: () => evicted.inc(),
      countingAlone: () => countingAlone.inc(),
    },
    retention: { tasksDeleted: (count: number) => deleted.inc(count) },
    auth: {
      adminAuth: (result: string) => {
        adminAuth.inc({ result });
        identityAdminAuth.inc({ result });
      },
      keyAuth: (result: string) => keyAuth.inc({ result }),
    },
    /** Gauges that are read when they are asked for. Process metrics are added too. */
    observe(sources: MetricsSources): void {
      const gauge = (name: string, help: string, read: () => number): void => {
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      };
      gauge('a2a_running_jobs', 'Tasks that this process runs', sources.runningTasks);
      gauge('a2a_queue_size', 'The same as parley_tasks_queued', sources.queuedTasks);
      gauge('parley_tasks_queued', 'Tasks that wait for a replica with room, of all replicas', sources.queuedTasks);
      gauge('parley_commit_queue_size', 'Task writes waiting for a commit', sources.queuedWrites);
      gauge('parley_streams_open', 'Event streams open', sources.openStreams);
      if (sources.isBusUp() !== null) {
        const help = '1 while replicas can reach each other by the bus, 0 while they look into the database instead';
        gauge('parley_bus_up', help, () => (sources.isBusUp() === true ? 1 : 0));
      }
      gauge('a2a_total_agents', 'Agents of this server', sources.agents);
      gauge('a2a_enabled_agents', 'Agents that can be used', sources.agents);
      gauge('parley_push_pending', 'Push notifications that wait to be delivered', () => sources.outbox().pending);
      gauge('parley_push_dead', 'Push notifications that are dead letters', () => sources.outbox().dead);
      gauge(
        'parley_push_oldest_seconds',
        'Age of the oldest push notification that waits',
        () => sources.outbox().oldestAgeMs / 1000,
      );
      gauge(
        'parley_rate_limit_shared',
        '1: rate limits are counted with the other replicas; 0: this one counts by itself',
        () => (sources.isCountingTogether() ? 1 : 0),
      );
      collectDefaultMetrics({ register: registry });
    },
  };
}
