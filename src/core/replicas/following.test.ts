/** Invariant 5 across replicas: whatever the bus does, who follows a task gets every event once and in order. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chunk, completed, type Puppet, puppet } from '../../../test/support/puppet.ts';
import { type Replica, ReplicaBench } from '../../../test/support/replica-bench.ts';
import { type Follower, range, turns, until } from '../../../test/support/task-bench.ts';
import { TaskReader } from '../../../test/support/task-reader.ts';
import type { AgentEvent } from '../tasks/executor.ts';

const REPLICAS = 3;
/** Two for each replica. */
const READERS = 2 * REPLICAS;
/** A holder that nobody told looks at its leases every ten seconds, and a follower into the database every five. */
const LOOK_MS = 16_000;

const reader = fc.nat(READERS - 1);
const moves = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('yield' as const), count: fc.integer({ min: 1, max: 8 }) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('come' as const), reader }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), reader }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), reader }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('bus' as const), isUp: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('takeover' as const), by: fc.nat(REPLICAS - 1) }) },
  ),
  { minLength: 5, maxLength: 50 },
);

/** What becomes of each payload in turn: 0 is lost, 1 comes at once, 2 comes twice, 3 and more come late, out of order. */
const fates = fc.array(fc.nat(7), { minLength: 1, maxLength: 20 });

function careless(bench: ReplicaBench, script: readonly number[]): void {
  let payloads = 0;
  bench.network.fate = (deliver) => {
    const fate = script[payloads++ % script.length] ?? 1;
    if (fate === 0) return;
    if (fate === 2) setImmediate(deliver);
    void turns(fate < 3 ? 1 : 2 * (fate - 2)).then(deliver);
  };
}

class World {
  readonly bench = new ReplicaBench();
  readonly puppets: readonly Puppet[] = range(1, REPLICAS).map(() => puppet());
  readonly replicas: Replica[] = [];
  holder = 0;
  taskId = '';

  async start(script: readonly number[]): Promise<void> {
    for (const { agent } of this.puppets) {
      this.replicas.push(await this.bench.start([agent], {}, { limits: { maxAttempts: 1000 } }));
    }
    careless(this.bench, script);
    this.taskId = await this.at(0).begin();
  }

  at(index: number): Replica {
    const replica = this.replicas[index];
    if (replica === undefined) throw new Error('no such replica');
    return replica;
  }

  /** Whoever holds the task now: the last to have begun it. */
  yield(...events: readonly AgentEvent[]): void {
    this.puppets[this.holder]?.last.yield(...events);
  }

  /** The holder seems dead to the others, and does not know. */
  async takeOver(by: number): Promise<void> {
    if (by === this.holder) return;
    const { store, engine } = this.at(by);
    // Others had taken it for dead, maybe.
    await store.heartbeat(engine.replicaId);
    // A commit of the holder that is under way may win once more.
    await until('the takeover', async () => {
      this.bench.presumeDead(this.at(this.holder));
      await this.at(by).pass(1000);
      const head = await store.readHead({ ownerId: 'alice', agentId: 'agent' }, this.taskId);
      return head?.leaseReplica === engine.replicaId;
    });
    this.holder = by;
  }

  async pass(ms: number): Promise<void> {
    for (const replica of this.replicas) await replica.pass(ms);
  }
}

it('[A9, O16] a bus that loses, doubles, delays, reorders and breaks: followers on every replica still get N+1, N+2, ... once', async () => {
  await fc.assert(
    fc.asyncProperty(moves, fates, async (script, fate) => {
      const world = new World();
      try {
        await world.start(fate);
        const { taskId } = world;
        const readers = range(0, READERS - 1).map((n) => new TaskReader(n < REPLICAS ? 1e9 : n));
        const come = (n: number) =>
          readers[n]?.come((lastEventId: number | undefined, sink: Follower) => {
            const replica = world.at(n % REPLICAS);
            return replica.service.subscribe(replica.call({ lastEventId }), { id: taskId }, sink);
          });
        for (const move of script) {
          if (move.kind === 'yield') world.yield(...range(1, move.count).map((n) => chunk(String(n))));
          else if (move.kind === 'turns') await turns(move.count);
          else if (move.kind === 'time') await world.pass(1000);
          else if (move.kind === 'bus') world.bench.network.setUp(move.isUp);
          else if (move.kind === 'takeover') await world.takeOver(move.by);
          else if (move.kind === 'leave') readers[move.reader]?.leave();
          else if (move.kind === 'read') readers[move.reader]?.read();
          else if (readers[move.reader]?.isAway === true) await come(move.reader);
        }
        for (const n of range(0, READERS - 1)) if (readers[n]?.isAway === true) await come(n);
        world.yield(completed);
        await until('the end', async () => (await world.at(0).state(taskId)) === 'TASK_STATE_COMPLETED');
        await world.pass(LOOK_MS);
        await until('the end of every reader', () => {
          for (const one of readers) one.read();
          return readers.every((one) => one.isEnded);
        });
        const log = await world.at(0).log(taskId);
        for (const one of readers) expect(one.seqs).toEqual(range(one.base + 1, log.length));
        for (const { engine } of world.replicas) expect(engine.hub.openCount).toBe(0);
      } finally {
        await world.bench.close();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
