/** The files that the pages are made of, under names that change with their content, so that they can be cached for ever. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const TYPES = {
  'parley.css': 'text/css; charset=utf-8',
  'api.js': 'text/javascript; charset=utf-8',
  'mark.svg': 'image/svg+xml',
} as const;
type AssetName = keyof typeof TYPES;

export interface Asset {
  readonly type: string;
  readonly body: string;
}

export class Assets {
  readonly #byFile = new Map<string, Asset>();
  readonly #files = new Map<string, string>();

  /** Reads every file: made for the first page that somebody asks for, not at the start of the server. */
  constructor(dir: string) {
    for (const [name, type] of Object.entries(TYPES)) {
      const body = readFileSync(join(dir, name), 'utf8');
      const file = name.replace('.', `.${hash('sha256', body, 'hex').slice(0, 12)}.`);
      this.#byFile.set(file, { type, body });
      this.#files.set(name, file);
    }
  }

  /** The address of a file, for links. */
  pathOf(name: AssetName): string {
    return `/docs/assets/${this.#files.get(name) ?? name}`;
  }

  /** By the last part of its address; undefined also for a file of another version of the program. */
  find(file: string): Asset | undefined {
    return this.#byFile.get(file);
  }
}
