/** The proof that the checker sees: a run of a broken engine, which must be found out, and for the right reason. */
import { rmSync } from 'node:fs';
import { type ChaosOptions, runChaos } from '../run.ts';
import { buildBroken } from './build.ts';
import type { BrokenEngine } from './list.ts';

/** A broken engine may never come to rest; what it did by then is enough to judge it. */
const SETTLE_MS = 3000;

export async function findBroken(
  engine: BrokenEngine,
  options: ChaosOptions,
): Promise<{ readonly isFound: boolean; readonly text: string }> {
  const bundle = await buildBroken(engine);
  try {
    const { findings } = await runChaos({ ...options, bundle, only: engine.faults, settleMs: SETTLE_MS });
    const found = findings.filter(({ name }) => engine.shows.includes(name));
    const [first] = found;
    const kinds = [...new Set(findings.map(({ name }) => name))].join(', ');
    const what =
      first === undefined ? `NOT FOUND OUT (it showed: ${kinds || 'nothing'})` : `${first.name}: ${first.text}`;
    return { isFound: first !== undefined, text: `${engine.name}: ${found.length} findings. ${what}` };
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}
