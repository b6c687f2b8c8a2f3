/** Invariant 3: who follows a task gets every event once and in order, whatever is slow and whenever it comes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentOf, chunk, completed, executorOf, puppet, working } from '../../../test/support/puppet.ts';
import { BenchFiles, Follower, messageOf, range, turns, until } from '../../../test/support/task-bench.ts';
import { TaskReader } from '../../../test/support/task-reader.ts';

async function withFiles(work: (files: BenchFiles) => Promise<void>): Promise<void> {
  const files = new BenchFiles();
  try {
    await work(files);
  } finally {
    await files.close();
  }
}

const moves = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('yield' as const), count: fc.integer({ min: 1, max: 12 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('come' as const), reader: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), reader: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), reader: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('poke' as const) }) },
  ),
  { minLength: 5, maxLength: 60 },
);

describe('following a task', () => {
  it('gives the Task at N and then N+1, N+2, ..., under any interleaving of commits, readers, pages and reconnects', async () => {
    const delays = fc.array(fc.nat(4), { minLength: 1, maxLength: 8 });
    const patience = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(8), fc.constant(1e9));
    await fc.assert(
      fc.asyncProperty(moves, delays, patience, async (script, waits, patiences) => {
        await withFiles(async (files) => {
          const { agent, runs } = puppet();
          const bench = await files.start([agent]);
          const wait = (n: number) => turns(waits[n % waits.length] ?? 0);
          let pages = 0;
          bench.store.before = (_writes, commit) => wait(commit);
          bench.store.after = (_writes, commit) => wait(commit + 1);
          bench.store.beforeEvents = () => wait(pages++);
          bench.store.beforeRead = () => wait(pages++);
          const taskId = await bench.begin();
          const readers = patiences.map((calm) => new TaskReader(calm));
          const open = (lastEventId: number | undefined, sink: Follower) =>
            bench.service.subscribe(bench.call({ lastEventId }), { id: taskId }, sink);
          let yielded = 0;
          for (const move of script) {
            if (move.kind === 'yield') {
              runs[0]?.yield(...range(1, move.count).map((n) => chunk(String(n))));
              yielded += move.count;
            } else if (move.kind === 'turns') await turns(move.count);
            else if (move.kind === 'poke') bench.engine.hub.poke(taskId, Number.MAX_SAFE_INTEGER);
            else {
              const reader = readers[move.reader];
              if (move.kind === 'come' && reader?.isAway === true) await reader.come(open);
              else if (move.kind === 'leave') reader?.leave();
              else reader?.read();
            }
          }
          for (const reader of readers) if (reader.isAway) await reader.come(open);
          runs[0]?.yield(completed);
          const head = 1 + yielded + 1;
          await until('the end of every reader', async () => {
            for (const reader of readers) reader.read();
            return readers.every((reader) => reader.isEnded);
          });
          for (const reader of readers) expect(reader.seqs).toEqual(range(reader.base + 1, head));
          expect(bench.engine.hub.openCount).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('a streaming send gets 1, 2, 3, ... also when its reader is slow and the log is longer than a page', async () => {
    await withFiles(async (files) => {
      const agent = agentOf(
        executorOf(async function* () {
          for (let n = 0; n < 700; n++) yield chunk(String(n));
        }),
      );
      const bench = await files.start([agent]);
      const follower = new Follower();
      follower.hasRoom = () => false;
      const stream = await bench.service.stream(bench.call(), messageOf('go'), follower);
      await until('the end of the task', () => bench.engine.runningCount === 0);
      expect(follower.seqs.length).toBeLessThan(300);
      await until('the end', () => {
        if (stream !== 'empty') stream.resume();
        return follower.isEnded;
      });
      expect(follower.seqs).toEqual(range(1, 702));
    });
  });

  it('with several commits under way at once, each task keeps its order, in the log and for its followers', async () => {
    await withFiles(async (files) => {
      const agent = agentOf(
        executorOf(async function* (run) {
          for (let n = 0; n < 40; n++) {
            yield chunk(String(n));
            if (n % 3 === 0) await turns(1 + (run.taskId.charCodeAt(run.taskId.length - 1) % 3));
          }
        }),
      );
      const bench = await files.start([agent], { commitMaxConcurrent: 4, commitMaxWrites: 5 });
      let most = 0;
      let now = 0;
      bench.store.before = async (_writes, commit) => {
        most = Math.max(most, ++now);
        await turns((commit * 7) % 5);
      };
      bench.store.after = async (_writes, commit) => {
        await turns((commit * 3) % 4);
        now--;
      };
      const followers = range(1, 30).map(() => new Follower());
      await Promise.all(followers.map((sink) => bench.service.stream(bench.call(), messageOf('go'), sink)));
      await until('every end', () => followers.every((follower) => follower.isEnded));
      for (const follower of followers) expect(follower.seqs).toEqual(range(1, 42));
      expect(most).toBe(4);
    });
  });

  it('resumed at the head of an ended task there is nothing, above the head is an error, below it the rest', async () => {
    await withFiles(async (files) => {
      const { agent, runs } = puppet();
      const bench = await files.start([agent]);
      const id = await bench.begin();
      runs[0]?.yield(working, completed);
      await until('the end', () => bench.engine.runningCount === 0);
      const resume = async (lastEventId: number) => {
        const follower = new Follower();
        const stream = await bench.service.subscribe(bench.call({ lastEventId }), { id }, follower);
        await until('the end', () => stream === 'empty' || follower.isEnded);
        return stream === 'empty' ? 'empty' : follower.seqs;
      };
      expect(await resume(0)).toEqual([1, 2, 3]);
      expect(await resume(2)).toEqual([3]);
      expect(await resume(3)).toBe('empty');
      await expect(resume(4)).rejects.toMatchObject({
        code: 'EVENT_ID_OUT_OF_RANGE',
        message: "Last-Event-ID 4 is above the task's last event, 3",
      });
    });
  });

  it('below what retention has left, a resumed stream begins with the Task, marked as a reset', async () => {
    await withFiles(async (files) => {
      const { agent, runs } = puppet();
      const bench = await files.start([agent]);
      const id = await bench.begin();
      runs[0]?.yield(working, chunk('a'), completed);
      await until('the end', () => bench.engine.runningCount === 0);
      expect(await bench.store.trimLogs(bench.clock.now() + 1, 10)).toBe(1);
      const follower = new Follower();
      await bench.service.subscribe(bench.call({ lastEventId: 1 }), { id }, follower);
      expect(follower.isEnded).toBe(true);
      expect(follower.seqs).toEqual([]);
      expect(follower.snapshots[0]).toMatchObject({
        seq: 4,
        task: { metadata: { parley: { reset: true, firstSeq: 5 } }, status: { state: 'TASK_STATE_COMPLETED' } },
      });
    });
  });

  it('a log that is trimmed under a reader breaks its stream off: it is never silently short', async () => {
    await withFiles(async (files) => {
      const { agent, runs } = puppet();
      const bench = await files.start([agent]);
      const id = await bench.begin();
      runs[0]?.yield(working, chunk('a'), working, chunk('b'), completed);
      await until('the end', () => bench.engine.runningCount === 0);
      for (const from of [0, 1, 2, 4]) {
        bench.store.beforeEvents = async () => void (await bench.store.trimLogs(bench.clock.now() + 1, 10));
        if (from > 0) files.database.connection.exec('update tasks set first_seq = 1');
        const follower = new Follower();
        await bench.service.subscribe(bench.call({ lastEventId: from }), { id }, follower);
        await until('the end', () => follower.cause !== undefined || follower.isEnded);
        const last = follower.seqs.at(-1) ?? from;
        expect(follower.seqs).toEqual(range(from + 1, last));
        expect(follower.cause).toBeInstanceOf(Error);
      }
      expect(bench.engine.hub.openCount).toBe(0);
    });
  });

  it('a stream whose log cannot be read ends as broken, and leaves nothing behind', async () => {
    await withFiles(async (files) => {
      const { agent } = puppet();
      const bench = await files.start([agent]);
      const id = await bench.begin();
      const follower = new Follower();
      bench.store.beforeEvents = () => {
        throw new Error('disk gone');
      };
      await bench.service.subscribe(bench.call({ lastEventId: 0 }), { id }, follower);
      await until('the end', () => follower.cause !== undefined);
      expect(bench.engine.hub.openCount).toBe(0);
      bench.store.beforeRead = () => {
        throw new Error('disk gone');
      };
      await expect(bench.service.subscribe(bench.call(), { id }, follower)).rejects.toThrow('disk gone');
      expect(bench.engine.hub.openCount).toBe(0);
    });
  });
});
