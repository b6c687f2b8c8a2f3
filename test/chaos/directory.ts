/** The directory of a run: what an earlier one left there goes, and nothing else does. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes the directory, or empties it, and answers the file of its journal, by which it is known as one of a run.
 * @throws Error where it holds something else: somebody named it by mistake
 */
export function prepareDirectory(dir: string): string {
  const journalFile = join(dir, 'journal.ndjson');
  if (existsSync(dir) && readdirSync(dir).length > 0 && !existsSync(journalFile)) {
    throw new Error(
      `${dir} holds something that is of no earlier run, and a run empties it: name another one with --dir`,
    );
  }
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  writeFileSync(journalFile, '');
  return journalFile;
}
