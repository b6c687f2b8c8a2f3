/** The configuration of agents, their tasks, and what is told of them: streams, captures, push notifications, cards. */
import { z } from 'zod';
import { cidrProblem } from './network.ts';
import { DAY_MS, integer, KIB, key, MIB, MINUTE_MS, section, text } from './schema-parts.ts';

export const idempotency = section({
  keyTtlHours: key(integer(1, 24 * 365).default(24), 'How long an `Idempotency-Key` is remembered, in hours.'),
  messageIdWindowMinutes: key(
    integer(0, 24 * 60).default(15),
    'How long a repeated `messageId` with the same content joins the first, in minutes. 0: never.',
  ),
});

export const tasks = section({
  maxRunning: key(
    integer(1, 1_000_000).default(1000),
    'Tasks running at once in this process. More wait in the queue.',
  ),
  maxRunningPerOwner: key(
    integer(1, 1_000_000).default(200),
    'Tasks running at once in this process for one owner. More wait in the queue.',
  ),
  maxRunningPerAgent: key(
    integer(0, 1_000_000).default(0),
    'Tasks running at once in this process for one agent. More wait in the queue. 0: no limit of its own.',
  ),
  maxQueued: key(
    integer(0, 1_000_000).default(10_000),
    'Tasks waiting at once for a process with room, in all. Several processes may pass it by a tenth in a burst. 0: none waits.',
  ),
  maxQueuedPerOwner: key(
    integer(1, 1_000_000).default(1000),
    'Tasks of one owner waiting at once for a process with room.',
  ),
  maxEventBytes: key(integer(KIB, 256 * MIB).default(4 * MIB), 'Largest event of a task, in bytes of JSON.'),
  maxMessageBytes: key(integer(KIB, 256 * MIB).default(3 * MIB), 'Largest message, in bytes of JSON.'),
  maxPartsPerMessage: key(integer(1, 100_000).default(1000), 'Most parts in one message.'),
  maxHistoryMessages: key(integer(1, 40_000).default(1000), 'Most messages in the history of one task.'),
  maxEventsPerTask: key(integer(10, 1_000_000).default(100_000), 'Most events of one task.'),
  maxTaskBytes: key(integer(64 * KIB, 64 * 1024 * MIB).default(64 * MIB), 'Most bytes of JSON stored for one task.'),
  idleTimeoutMs: key(
    integer(0, 30 * DAY_MS).default(30 * MINUTE_MS),
    'A running task that gives no event for so long fails, in milliseconds. 0: never.',
  ),
  maxDurationMs: key(
    integer(0, 30 * DAY_MS).default(0),
    'A task that runs for so long fails, in milliseconds. 0: never.',
  ),
  cancelGraceMs: key(
    integer(0, 10 * MINUTE_MS).default(5000),
    'Time that an agent has to end after a cancel, in milliseconds, before the task is taken from it.',
  ),
  maxAttempts: key(integer(1, 100).default(3), 'How often a task is run at most, when the process that runs it dies.'),
  leaseTtlMs: key(
    integer(1000, 10 * MINUTE_MS).default(15_000),
    'How long a process may be silent before its tasks are taken over, in milliseconds.',
  ),
  commitMaxWrites: key(integer(1, 10_000).default(256), 'Most writes that share one commit.'),
  logRetentionDays: key(
    integer(0, 36_500).default(0),
    'How long the events of finished tasks are kept, in days. 0: for ever.',
  ),
  retentionDays: key(
    integer(0, 36_500).default(0),
    'How long finished tasks are kept, in days; then they are deleted, with all that belongs to them. 0: for ever.',
  ),
});

export const streams = section({
  heartbeatMs: key(
    integer(1000, 10 * MINUTE_MS).default(15_000),
    'A comment is sent on a silent stream this often, in milliseconds.',
  ),
  maxOpen: key(integer(1, 1_000_000).default(10_000), 'Streams open at once in this process.'),
  maxPerOwner: key(integer(1, 1_000_000).default(2000), 'Streams open at once for one owner.'),
  maxPerTask: key(integer(1, 1_000_000).default(2000), 'Streams open at once on one task.'),
  maxBufferBytes: key(
    integer(16 * KIB, 1024 * MIB).default(4 * MIB),
    'Bytes that wait for one slow subscriber at most; what comes meanwhile is read from the log when it goes on.',
  ),
  maxTotalBufferBytes: key(
    integer(MIB, 64 * 1024 * MIB).default(256 * MIB),
    'Bytes that wait for all slow subscribers together; beyond it no new stream is opened.',
  ),
  stalledTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(30_000),
    'A subscriber that reads nothing for so long is cut off at a resumable position, in milliseconds.',
  ),
});

export const live = section({
  maxOpen: key(integer(1, 1_000_000).default(1000), 'Live connections of the console open at once in this process.'),
  maxPerOwner: key(integer(1, 100_000).default(50), 'Live connections of the console open at once for one principal.'),
  maxTasks: key(
    integer(1, 1000).default(50),
    'Tasks whose events one live connection follows at once. Each counts as a stream, too.',
  ),
});

export const captures = section({
  maxActive: key(integer(1, 1000).default(20), 'Captures of wire frames that run at once.'),
  maxActivePerKey: key(
    integer(1, 1000).default(3),
    'Of those, how many may have been started with one API key. The admin may start all.',
  ),
  maxFrames: key(
    integer(1, 1_000_000).default(10_000),
    'Frames of one capture; when it has them it ends. Who starts it may ask for fewer.',
  ),
  maxFrameBytes: key(
    integer(KIB, 64 * MIB).default(64 * KIB),
    'What is kept of the body of one captured frame, in bytes; the rest is cut off, and the frame says so.',
  ),
  maxBytes: key(
    integer(MIB, 64 * 1024 * MIB).default(256 * MIB),
    'Captured frames in all, in bytes. For more, whoever captured most loses the oldest capture that is over, or has those that run ended.',
  ),
  keepHours: key(
    integer(1, 24 * 365).default(24),
    'How long the frames of a capture are kept after its end, in hours.',
  ),
});

export const push = section({
  enabled: key(
    z.boolean().default(true),
    'Offer push notifications. `false`: no agent declares them, and what waits stays where it is.',
  ),
  allowHttp: key(
    z.boolean().default(false),
    'Send to receivers by plain http too. Networks in `allowNetworks` may have it anyway.',
  ),
  allowNetworks: key(
    z.array(text(cidrProblem)).max(1000).default([]),
    'Networks whose receivers may be called though they are not on the public internet, such as `10.1.0.0/16`.',
    { env: 'PUSH_ALLOW_NETWORKS', allowed: 'a list of networks in CIDR notation' },
  ),
  timeoutMs: key(
    integer(100, 5 * MINUTE_MS).default(15_000),
    'Time for one attempt, in milliseconds, from the name to the status.',
  ),
  connectTimeoutMs: key(
    integer(100, MINUTE_MS).default(5000),
    'Time to connect to a receiver, TLS included, in milliseconds.',
  ),
  maxResponseBytes: key(
    integer(0, MIB).default(16 * KIB),
    "What is read of a receiver's answer, in bytes, before the connection is closed. Nothing of it is kept.",
  ),
  maxConcurrent: key(integer(1, 10_000).default(64), 'Requests to receivers under way at once in this process.'),
  maxPerHost: key(integer(1, 10_000).default(8), 'Requests to one host under way at once in this process.'),
  maxPerOwner: key(integer(1, 10_000).default(32), 'Requests for one owner under way at once in this process.'),
  pollMs: key(
    integer(20, MINUTE_MS).default(1000),
    'How often the outbox is looked at for retries and for deliveries of other processes, in milliseconds.',
  ),
  maxConfigsPerTask: key(integer(1, 100).default(10), 'Push configurations of one task.'),
  maxUrlLength: key(integer(32, 2048).default(2048), 'Longest address of a receiver, in characters.'),
  maxSecretLength: key(integer(16, 64 * KIB).default(4096), 'Longest token, and longest credentials, in characters.'),
  maxQueuedPerOwner: key(
    integer(1, 100_000_000).default(10_000),
    'Deliveries of one owner in the outbox, dead letters included, beyond which it gets no new push configurations.',
  ),
  maxQueued: key(
    integer(1, 100_000_000).default(100_000),
    'Deliveries in the outbox, dead letters included, beyond which nobody gets new push configurations.',
  ),
  deadLetterDays: key(
    integer(0, 36_500).default(30),
    'How long dead letters are kept, in days. 0: until they are deleted.',
  ),
  retry: section({
    initialDelayMs: key(integer(1, DAY_MS).default(5000), 'Longest delay before the second attempt, in milliseconds.'),
    factor: key(z.number().min(1).max(10).default(2), 'By what the longest delay grows with each attempt.'),
    maxDelayMs: key(integer(1, 7 * DAY_MS).default(60 * MINUTE_MS), 'Longest delay between attempts, in milliseconds.'),
    giveUpAfterMs: key(
      integer(0, 30 * DAY_MS).default(DAY_MS),
      'Time after the first attempt at which a delivery that still fails becomes a dead letter, in milliseconds.',
    ),
  }),
});

export const agents = section({
  default: key(
    text((id) =>
      /^[a-z][a-z0-9-]{0,62}$/.test(id)
        ? undefined
        : 'must be an agent id: a lower-case letter, then at most 62 lower-case letters, digits and hyphens',
    ).default('echo'),
    'Id of the agent that answers at `/a2a`.',
    { allowed: 'an agent id' },
  ),
  invalidV03Status: key(
    z.enum(['http', 'ok']).default('http'),
    'HTTP status of JSON-RPC errors for requests of A2A 0.3 that are not valid. `http`: 400. `ok`: 200, for clients that read the error only then, as the official one in Python.',
  ),
  echo: section({
    enabled: key(
      z.boolean().default(true),
      'Serve the built-in agent `echo`, for trying things out and for smoke checks.',
    ),
  }),
});

export const cards = section({
  sign: key(z.boolean().default(true), 'Sign agent cards; the keys are at `/.well-known/jwks.json`.'),
  extended: key(
    z.boolean().default(true),
    'Give authenticated callers an extended card, which says what their key may do. Needs `auth.mode: key`.',
  ),
});
