/** The checker sees each kind of damage: a small world in which all is well, and one thing wrong at a time. */
import { describe, expect, test } from 'vitest';
import type { JournalLine } from '../journal.ts';
import type { Form } from '../wire/call.ts';
import { check } from './check.ts';
import { FINDINGS, type FindingName } from './findings.ts';
import { type Row, readStored, type Stored, type StoredEvent, type StoredTask } from './stored.ts';

const OWNER = 'key:1';
const HOOK = '/hook/1';
const FORM = 'REST 1.0';

const LABELED = { text: 'step 0 attempt 1 pid 10', mediaType: 'text/plain' };

/** What is journaled without a time gets its place in the list as one. */
type Untimed<T> = T extends unknown ? Omit<T, 'at'> : never;
type Told = Untimed<JournalLine>;
type EventTold = Extract<Told, { kind: 'event' }>;

const status = (state: string): string =>
  JSON.stringify({ statusUpdate: { taskId: 't', status: { state: `TASK_STATE_${state}` } } });
const submitted = (id: string, messageId: string): string =>
  JSON.stringify({ task: { id, status: { state: 'TASK_STATE_SUBMITTED' }, history: [{ messageId }] } });
const part = (text: string): string =>
  JSON.stringify({ artifactUpdate: { taskId: 't', artifact: { parts: [{ text }] } } });

function eventsOf(bodies: readonly string[]): StoredEvent[] {
  return bodies.map((body, index) => ({ seq: index + 1, body, isDiscarded: false, userMessage: null }));
}

const BODIES = [
  submitted('t1', 'm1'),
  status('WORKING'),
  part('step 0 attempt 1 pid 10'),
  part('step 1 attempt 2 pid 11'),
  status('COMPLETED'),
];

const T1: StoredTask = {
  id: 't1',
  ownerId: OWNER,
  agentId: 'steps-resume',
  state: 'TASK_STATE_COMPLETED',
  seq: 5,
  isListed: true,
  events: eventsOf(BODIES),
};
/** Of another owner, canceled. */
const T2: StoredTask = {
  ...T1,
  id: 't2',
  ownerId: 'key:2',
  agentId: 'steps-once',
  state: 'TASK_STATE_CANCELED',
  seq: 2,
  events: eventsOf([submitted('t2', 'm2'), status('CANCELED')]),
};

function storedOf(tasks: readonly StoredTask[], more: Partial<Stored> = {}): Stored {
  const counters = new Map([
    [`${OWNER} steps-resume TASK_STATE_COMPLETED`, 1],
    ['key:2 steps-once TASK_STATE_CANCELED', 1],
  ]);
  return {
    tasks: new Map(tasks.map((task) => [task.id, task])),
    counters,
    outbox: { pending: 0, dead: 0 },
    ...more,
  };
}

const sent: Told = {
  kind: 'sent',
  op: 1,
  owner: 'anna',
  agent: 'steps-resume',
  key: 'k1',
  messageId: 'm1',
  text: 'steps=2 every=10',
  taskId: null,
  hook: HOOK,
};
const answered: Told = {
  kind: 'answered',
  op: 1,
  form: FORM,
  status: 200,
  taskId: 't1',
  state: 'TASK_STATE_COMPLETED',
  error: null,
};
const event = (seq: number, data = BODIES[seq - 1] ?? ''): Told => ({
  kind: 'event',
  form: FORM,
  follower: 1,
  owner: 'anna',
  taskId: 't1',
  seq,
  isSnapshot: false,
  data,
});
const pushed = (seq: number, more: object = {}): Told => ({
  kind: 'pushed',
  hook: HOOK,
  taskId: 't1',
  seq,
  problem: null,
  body: BODIES[seq - 1] ?? '{}',
  status: 204,
  ...more,
});
/** As receivers of 0.3 get it. */
const oldTask = (state: string, ...texts: readonly string[]): string => {
  const artifacts = texts.length === 0 ? [] : [{ parts: texts.map((text) => ({ kind: 'text', text })) }];
  return JSON.stringify({ kind: 'task', id: 't1', contextId: '', status: { state }, artifacts });
};
const executed = (pid: number, attempt: number): Told => ({
  kind: 'executed',
  agent: 'steps-once',
  taskId: 't2',
  messageId: 'm2',
  attempt,
  pid,
  step: 0,
});
const read = (state: string, asked: number): Told => ({
  kind: 'read',
  form: FORM,
  asked,
  owner: 'anna',
  taskId: 't1',
  status: 200,
  state: `TASK_STATE_${state}`,
});
const listed = (taskIds: readonly string[], totalSize = 1): Told => ({
  kind: 'listed',
  form: FORM,
  owner: 'anna',
  agent: 'steps-resume',
  taskIds,
  totalSize,
  isFinal: true,
});

const OWNERS: Told[] = [
  { kind: 'owner', owner: 'anna', ownerId: OWNER },
  { kind: 'owner', owner: 'ben', ownerId: 'key:2' },
];
const canceled: Told[] = [
  { kind: 'canceling', op: 2, owner: 'ben', taskId: 't2' },
  { kind: 'answered', op: 2, form: FORM, status: 200, taskId: 't2', state: 'TASK_STATE_CANCELED', error: null },
];
const followed: Told[] = [1, 2, 3, 4, 5].map((seq) => event(seq));
const end = (seq: number): Told => ({ kind: 'followed', follower: 1, taskId: 't1', seq });
const pushes: Told[] = [1, 2, 3, 4, 5].map((seq) => pushed(seq));

const abandoned: Told = { kind: 'abandoned', follower: 1, form: FORM, server: 'r1', taskId: 't1', seq: 1 };
const endedAt = (atMs: number): string =>
  status('COMPLETED').replace('}}}', `,"timestamp":"${new Date(atMs).toISOString()}"}}}`);

function findingsOf(told: readonly Told[], stored: Stored): FindingName[] {
  const journal = [...OWNERS, ...told].map((line, at): JournalLine => ({ at, ...line }));
  return [...new Set(check(journal, stored).map(({ name }) => name))];
}

const well = storedOf([T1, T2]);
const withT1 = (change: Partial<StoredTask>): Stored => storedOf([{ ...T1, ...change }, T2]);
const bodies = (change: readonly string[]): Partial<StoredTask> => ({ events: eventsOf(change), seq: change.length });

/** One for each finding: what was told and what is stored. Pushes are left out where they are not the point. */
const DAMAGES: Readonly<Record<FindingName, readonly (readonly [string, readonly Told[], Stored])[]>> = {
  'task-lost': [
    ['a send was acknowledged', [sent, { ...answered, taskId: 't9' }], well],
    ['its cancel was acknowledged', canceled, storedOf([T1])],
    ['a stream showed it', [{ ...event(1), taskId: 't9' } as Told], well],
    ['its owner gets 404', [{ ...read('WORKING', 0), status: 404, state: null } as Told], well],
  ],
  'event-lost': [
    ['a stream had it', [...followed, event(6, status('FAILED'))], well],
    [
      'a send was answered with it',
      [
        { ...sent, hook: null },
        { ...answered, state: 'TASK_STATE_FAILED' },
      ],
      well,
    ],
    ['a receiver got it', [sent, answered, ...pushes, pushed(6)], well],
  ],
  'event-differs': [['in a stream', [event(1), event(2, status('INPUT_REQUIRED'))], well]],
  'stream-broken': [
    ['an event twice', [event(1), event(2), event(2)], well],
    ['an event left out', [event(1), event(3)], well],
    ['out of order', [event(1), event(2), event(3), event(2)], well],
    ['not from the beginning', [event(2)], well],
    ['a snapshot behind what it has', [event(1), event(2), event(3), { ...event(2), isSnapshot: true } as Told], well],
    [
      'a reset, though nothing was removed',
      [event(1, JSON.stringify({ task: { status: {}, metadata: { parley: { reset: true } } } }))],
      well,
    ],
  ],
  'stream-cut-short': [['nothing left, it is told', [event(1), event(2), end(2)], well]],
  'stream-endless': [
    ['open when all was at rest', [event(1), abandoned], withT1(bodies([...BODIES.slice(0, 4), endedAt(-15_000)]))],
  ],
  'log-gap': [['in the middle', [], withT1({ events: eventsOf(BODIES).filter(({ seq }) => seq !== 3) })]],
  'key-used-twice': [
    ['two answers', [sent, answered, { ...answered, taskId: 't2', state: null }, ...pushes], well],
    [
      'two tasks in the tables',
      [],
      storedOf([T1, { ...T2, events: eventsOf([submitted('t2', 'm1'), status('CANCELED')]) }]),
    ],
    [
      'two turns of one task',
      [],
      withT1({
        events: eventsOf(BODIES).map((one) => (one.seq === 2 ? { ...one, userMessage: '{"messageId":"m1"}' } : one)),
      }),
    ],
  ],
  'after-the-end': [['in the log', [], withT1({ ...bodies([...BODIES, part('more')]) })]],
  'head-differs': [
    ['its state', [], withT1({ state: 'TASK_STATE_FAILED' })],
    ['its number of events', [], withT1({ seq: 6 })],
  ],
  'counters-differ': [
    ['too many', [], storedOf([T1])],
    ['too few', [], storedOf([T1, T2], { counters: new Map() })],
  ],
  'list-differs': [
    ['one is missing', [listed([], 1)], well],
    ['one is there twice', [listed(['t1', 't1'])], well],
    ['its size', [listed(['t1'], 2)], well],
  ],
  'ran-twice': [
    ['an agent that may run once only', [executed(10, 1), executed(11, 2)], well],
    [
      'one that was replaced adds something',
      [],
      withT1(bodies([...BODIES.slice(0, 4), part('step 2 attempt 1 pid 10'), status('COMPLETED')])),
    ],
  ],
  'content-wrong': [
    ['a step is missing', [{ ...sent, text: 'steps=3 every=1', hook: null }, answered], well],
    [
      'a step twice',
      [{ ...sent, hook: null }, answered],
      withT1(bodies([...BODIES.slice(0, 4), part('step 1 attempt 2 pid 11'), status('COMPLETED')])),
    ],
  ],
  'push-lost': [
    ['one event', [sent, answered, ...pushes.slice(0, 4)], well],
    ['never acknowledged', [sent, answered, ...pushes.slice(0, 4), pushed(5, { status: 503 })], well],
    ['still waiting', [], storedOf([T1, T2], { outbox: { pending: 1, dead: 0 } })],
    ['given up', [], storedOf([T1, T2], { outbox: { pending: 0, dead: 1 } })],
  ],
  'push-out-of-order': [
    ['the first deliveries', [sent, answered, pushed(1), pushed(3), pushed(2), pushed(4), pushed(5)], well],
  ],
  'push-differs': [
    ['its body', [sent, answered, ...pushes, pushed(2, { body: status('FAILED') })], well],
    [
      'the Task of a receiver of 0.3, its state',
      [sent, answered, ...pushes, pushed(2, { body: oldTask('completed') })],
      well,
    ],
    [
      'the Task of a receiver of 0.3, its artifacts',
      [sent, answered, ...pushes, pushed(4, { body: oldTask('working', 'step 0 attempt 1 pid 10') })],
      well,
    ],
    ['its task', [sent, answered, ...pushes, pushed(2, { taskId: 't2' })], well],
  ],
  'push-signature': [['any problem', [sent, answered, ...pushes, pushed(5, { problem: 'it does not verify' })], well]],
  stuck: [['works for ever', [], withT1({ state: 'TASK_STATE_WORKING', ...bodies(BODIES.slice(0, 4)) })]],
  'cancel-lost': [
    [
      'it ended in another way',
      canceled,
      storedOf([
        T1,
        { ...T2, state: 'TASK_STATE_COMPLETED', events: eventsOf([submitted('t2', 'm2'), status('COMPLETED')]) },
      ]),
    ],
  ],
  'stale-read': [['after the end was told', [...followed, read('WORKING', 100)], well]],
  'foreign-task': [
    [
      'in an answer',
      [
        { ...sent, hook: null },
        { ...answered, taskId: 't2', state: null },
      ],
      well,
    ],
    ['in a read', [{ ...read('CANCELED', 0), taskId: 't2' } as Told], well],
    ['in a list', [{ ...listed(['t2']), isFinal: false } as Told], well],
    ['in a stream', [{ ...event(1, submitted('t2', 'm2')), taskId: 't2' } as Told], well],
  ],
  crashed: [['whichever', [{ kind: 'crashed', replica: 'r1' }], well]],
  'server-error': [
    ['a send', [sent, { ...answered, status: 500, taskId: null, state: null, error: 'INTERNAL' }], well],
    ['a read', [{ ...read('WORKING', 0), status: 500 } as Told], well],
    ['no JSON', [{ kind: 'unreadable', form: FORM, path: '/a2a/tasks' }], well],
  ],
  'wrongly-refused': [['a send', [sent, { ...answered, status: 400, taskId: null, error: 'INVALID' }], well]],
};

describe('the checker', () => {
  test('[A10, O16] finds nothing in a world where every promise was kept, whatever broke on the way', () => {
    const lost: Told = { kind: 'lost', op: 1, form: FORM, error: 'ECONNRESET' };
    const late = withT1(bodies([...BODIES.slice(0, 4), endedAt(-1000)]));
    expect(findingsOf([event(1), abandoned], late)).toEqual([]);
    const again = [pushed(5), pushed(2), pushed(2, { body: oldTask('working') })];
    again.push(pushed(3, { body: oldTask('working', 'step 0 attempt 1 pid 10') }));
    const snapshot = { ...event(3), follower: 2, isSnapshot: true, data: '{"task":{"status":{}}}' } as Told;
    const rest = [4, 5].map((seq) => ({ ...event(seq), follower: 2 }) as Told);
    const unavailable: Told = { ...answered, status: 503, taskId: null, state: null, error: 'UNAVAILABLE' };
    const told = [sent, lost, unavailable, ...followed.slice(0, 3), answered, answered, ...followed.slice(3), end(5)];
    told.push(snapshot, ...rest, ...pushes, ...again, ...canceled, executed(10, 1), executed(10, 1), listed(['t1']));
    told.push(read('COMPLETED', 100), { ...read('WORKING', 0), taskId: 't2', status: 404, state: null } as Told);
    expect(findingsOf(told, well)).toEqual([]);
  });

  test('[A10, O16] knows what 0.3 cannot carry, and judges the rest as that of 1.0', () => {
    const labeled = JSON.stringify({ artifactUpdate: { taskId: 't1', artifact: { parts: [LABELED] } } });
    const world = withT1(bodies([...BODIES.slice(0, 2), labeled, status('COMPLETED')]));
    const plain = event(3, part('step 0 attempt 1 pid 10').replace('"t"', '"t1"')) as EventTold;
    const told = (form: Form, data: string): Told[] => [event(1), event(2), { ...plain, form, data }];
    expect(findingsOf(told('gRPC 0.3', plain.data), world)).toEqual([]);
    expect(findingsOf(told('gRPC 1.0', plain.data), world)).toEqual(['event-differs']);
    expect(findingsOf(told('gRPC 0.3', plain.data.replace('step 0', 'step 1')), world)).toEqual(['event-differs']);
  });

  test('[A10, O16] follows a restart: what was discarded counts no more', () => {
    const events = eventsOf([
      submitted('t1', 'm1'),
      status('WORKING'),
      part('step 0 attempt 1 pid 10'),
      status('WORKING'),
      part('step 0 attempt 2 pid 11'),
      part('step 1 attempt 2 pid 11'),
      status('COMPLETED'),
    ]).map((one) => ({ ...one, isDiscarded: one.seq === 2 || one.seq === 3 }));
    expect(findingsOf([{ ...sent, hook: null }, answered], withT1({ events, seq: 7 }))).toEqual([]);
    // A receiver of 0.3 that got an event of the broken attempt before the restart, and once more after it.
    const pushedAll = events.map(({ seq, body }) => pushed(seq, { body }));
    const both = [oldTask('working', 'step 0 attempt 1 pid 10'), oldTask('submitted')];
    const again = both.map((body) => pushed(3, { body }));
    expect(findingsOf([sent, answered, ...pushedAll, ...again], withT1({ events, seq: 7 }))).toEqual([]);
    const neither = pushed(3, { body: oldTask('working') });
    expect(findingsOf([sent, answered, ...pushedAll, neither], withT1({ events, seq: 7 }))).toEqual(['push-differs']);
  });

  for (const [name, damages] of Object.entries(DAMAGES)) {
    for (const [what, told, stored] of damages) {
      test(`[A10, O16] sees ${name}: ${what}`, () => {
        expect(findingsOf(told, stored)).toContain(name);
        expect(FINDINGS).toHaveProperty(name);
      });
    }
  }
});

describe('the tables', () => {
  test('are read by statements of its own', async () => {
    const rows: Readonly<Record<string, readonly Row[]>> = {
      tasks: [
        { num: '3', id: 't1', owner_id: OWNER, agent_id: 'echo', state: 'TASK_STATE_WORKING', seq: 2, listed: 1 },
      ],
      task_log: [
        { id: String(3 * 2 ** 20), body: '', discarded: 0, user_message: '{}' },
        { id: String(3 * 2 ** 20 + 1), body: 'one', discarded: 0, user_message: null },
        { id: String(3 * 2 ** 20 + 2), body: 'two', discarded: 1, user_message: '{"messageId":"m"}' },
      ],
      task_counters: [{ owner_id: OWNER, agent_id: 'echo', state: 'TASK_STATE_WORKING', n: '1' }],
      push_configs: [{ pending: '4', dead: '0' }],
    };
    const stored = await readStored(async (sql) => rows[/ from (\w+)/.exec(sql)?.[1] ?? ''] ?? []);
    expect(stored.tasks.get('t1')).toMatchObject({
      seq: 2,
      isListed: true,
      events: [
        { seq: 1, body: 'one', isDiscarded: false, userMessage: null },
        { seq: 2, body: 'two', isDiscarded: true, userMessage: '{"messageId":"m"}' },
      ],
    });
    expect([...stored.counters]).toEqual([[`${OWNER} echo TASK_STATE_WORKING`, 1]]);
    expect(stored.outbox).toEqual({ pending: 4, dead: 0 });
  });
});
