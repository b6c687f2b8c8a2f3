/** Builds a broken engine beside the true one, which it leaves alone. */
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundle, programFile } from '../../../scripts/build.mjs';
import type { BrokenEngine } from './list.ts';

const root = join(dirname(programFile), '..', '..');

/**
 * Its sources, by their paths.
 * @throws Error when a text to replace is not in its file exactly once
 */
export function editedSources({ name, edits }: BrokenEngine): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const path = join(root, 'src', file);
    const source = sources.get(path) ?? readFileSync(path, 'utf8');
    const count = source.split(find).length - 1;
    if (count !== 1) throw new Error(`${name}: "${find}" is in src/${file} ${count} times. Write the edit anew`);
    sources.set(
      path,
      source.replace(find, () => replace),
    );
  }
  return sources;
}

/** The directory of its build, to be removed by whoever asked for it. */
export async function buildBroken(engine: BrokenEngine): Promise<string> {
  const dir = join(root, `.build-broken-${engine.name}-${process.pid}`);
  const sources = editedSources(engine);
  const plugin = { name: 'broken', load: (id: string) => sources.get(id) ?? null };
  if (!(await bundle(dir, [plugin]))) {
    rmSync(dir, { recursive: true, force: true });
    throw new Error(`${engine.name} could not be built`);
  }
  return dir;
}
