// Suite: one streamed task with N artifact chunks, alone on the server: what a chunk costs as the task grows.
import { medianOf } from '../harness/stats.mjs';

export const chunksArms = ['raw-sqlite', 'sdk-memory', 'sdk-sqlite', 'parley-sqlite', 'parley-postgres'];

/** CPU is counted in ticks of 10 ms: small tasks are repeated until about this many chunks were sent. */
const CHUNKS_PER_RUN = 8000;

export async function chunks(runner, options) {
  const arms = await runner.upAll(runner.names(chunksArms));
  // Else the size that comes first pays for the compiler, and growth with the size would not show.
  for (const arm of arms) await runner.warmUp(arm, 'chunks', ['--ticks', '200', '--count', '20']);
  for (const size of options.chunks) {
    const count = Math.max(2, Math.ceil(CHUNKS_PER_RUN / size));
    for (let i = 0; i < options.rounds; i++) {
      for (const arm of arms) {
        await runner.load(arm, 'chunks', 'chunks', ['--ticks', String(size), '--count', String(count)], {
          chunks: size,
        });
      }
    }
  }
  const rows = arms.flatMap((arm) =>
    options.chunks.map((size) => {
      const records = runner.select({ suite: 'chunks', arm: arm.name, chunks: size });
      const keys = ['bad', 'msPerTask', 'msPerChunk', 'cpuMsPerChunk'];
      return [arm.name, size, ...keys.map((key) => medianOf(records, key))];
    }),
  );
  runner.table(
    'One streamed task with N artifact chunks, alone',
    ['arm', 'chunks', 'bad', 'ms per task', 'ms per chunk', 'CPU ms per chunk'],
    rows,
  );
  await runner.downAll(arms);
}
