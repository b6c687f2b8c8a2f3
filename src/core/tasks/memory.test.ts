/** Nothing of a finished task stays in memory. */
import { expect, it } from 'vitest';
import { agentOf, chunk, completed, executorOf, inputRequired, working } from '../../../test/support/puppet.ts';
import { BenchFiles, Follower, messageOf, range, until } from '../../../test/support/task-bench.ts';

/** Full collections, so that what is counted is what is held. */
async function heapUsed(): Promise<number> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

it('after 5,000 tasks the engine holds none of them: no run, follower, queued write, timer or heap', async () => {
  const files = new BenchFiles();
  const timers = { open: 0 };
  const agent = agentOf(
    executorOf(async function* (run) {
      const text = run.message.parts[0]?.text ?? '';
      yield working;
      if (text === 'throw') throw new Error('thrown');
      if (text === 'wait') await run.sleep(1e9);
      yield chunk('x'.repeat(1000));
      yield text === 'ask' ? inputRequired('what?') : completed;
    }),
  );
  const bench = await files.start([agent]);
  const after = bench.clock.after.bind(bench.clock);
  Object.assign(bench.clock, {
    after(ms: number, task: () => void) {
      timers.open++;
      let isOpen = true;
      const end = () => {
        if (isOpen) timers.open--;
        isOpen = false;
      };
      const cancel = after(ms, () => {
        end();
        task();
      });
      return () => {
        end();
        cancel();
      };
    },
  });
  const texts = ['go', 'throw', 'ask', 'stream', 'wait'];
  const round = async () => {
    const sends = range(1, 500).map(async (n) => {
      const text = texts[n % texts.length] ?? 'go';
      const owner = `owner-${n}`;
      if (text === 'stream') {
        await bench.service.stream(bench.call({ owner }), messageOf(text), new Follower());
        return;
      }
      if (text !== 'wait') {
        await bench.service.send(bench.call({ owner }), messageOf(text));
        return;
      }
      const id = await bench.begin(text, { owner });
      await bench.service.cancel(bench.call({ owner }), { id });
    });
    await Promise.all(sends);
    await until('the end of all', () => bench.engine.runningCount === 0);
  };
  await round();
  await round();
  const before = await heapUsed();
  for (let n = 0; n < 8; n++) await round();
  const grownBytes = (await heapUsed()) - before;
  expect(bench.engine.runningCount).toBe(0);
  expect(bench.engine.queue.depth).toBe(0);
  expect(bench.engine.hub.openCount).toBe(0);
  expect(timers.open).toBe(0);
  // 4,000 tasks of more than 1,000 characters each would be 4 MB and more.
  expect(grownBytes).toBeLessThan(2_000_000);
  await files.close();
}, 60_000);
