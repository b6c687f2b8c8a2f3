/** Where the program lies, and which one it is: the same from its sources and from its bundle. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `src/`, or `dist/` when it is built; files that are not TypeScript lie at the same places in both. */
export const PROGRAM_DIR = fileURLToPath(new URL('..', import.meta.url));

export interface ProgramInfo {
  readonly version: string;
  readonly description: string;
}

/** From the package.json of Parley itself. */
export function programInfo(): ProgramInfo {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as ProgramInfo;
}
