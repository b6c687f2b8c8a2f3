/** The built console as files: what there is is listed when it was built, so that no request can name anything else. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { uiRoutesSchema } from '../admin/ui-contract.ts';
import { etagOf } from '../etag.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};
/** Smallest first. */
const ENCODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;

interface SiteFile {
  readonly path: string;
  readonly type: string;
  readonly etag: string;
  readonly encodings: readonly (typeof ENCODINGS)[number][];
}

export interface Served {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
  /** null: as it is. */
  readonly encoding: string | null;
  /** There are other forms of it, so that caches must look at what was asked for. */
  readonly varies: boolean;
}

export class Site {
  readonly #directory: string;
  #builtAtMs: number;
  #files: ReadonlyMap<string, SiteFile>;
  #routes: readonly RegExp[];

  /** Lists the files of a built console. Throws where its `routes.json` is missing or not valid. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#builtAtMs = this.#indexAtMs();
    ({ files: this.#files, routes: this.#routes } = list(directory));
  }

  /** When the page was written that names all other files. A build puts all of them in place at once. */
  #indexAtMs(): number {
    return statSync(join(this.#directory, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  /** A console that was built anew under a running server has other files. In the middle of a build the old list stays. */
  #relist(): void {
    const builtAtMs = this.#indexAtMs();
    if (builtAtMs === this.#builtAtMs || builtAtMs === 0) return;
    try {
      ({ files: this.#files, routes: this.#routes } = list(this.#directory));
      this.#builtAtMs = builtAtMs;
    } catch {
      // Not whole yet; the next look finds it.
    }
  }

  /** Whether the console has a page at this path. */
  hasPage(path: string): boolean {
    return this.#routes.some((route) => route.test(path));
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** @param accepted the `Accept-Encoding` of the request */
  async read(name: string, accepted: string): Promise<Served | null> {
    if (name === 'index.html') this.#relist();
    const file = this.#files.get(name);
    if (file === undefined) return null;
    const { path, type, etag, encodings } = file;
    const encoding = encodings.find((one) => accepts(accepted, one.name));
    const body = await readFile(encoding === undefined ? path : `${path}${encoding.suffix}`);
    return { body, type, etag, encoding: encoding?.name ?? null, varies: encodings.length > 0 };
  }
}

/** The console, where it was built; looked for once, at the start. */
export function openSite(directory: string): Site | null {
  return existsSync(join(directory, 'index.html')) ? new Site(directory) : null;
}

function list(directory: string): {
  readonly files: ReadonlyMap<string, SiteFile>;
  readonly routes: readonly RegExp[];
} {
  const files = new Map<string, SiteFile>();
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    // What the build keeps for itself.
    .filter((name) => !name.startsWith('.') && name !== 'routes.json');
  const all = new Set(names);
  for (const name of names) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const path = join(directory, name);
    const { size, mtimeMs } = statSync(path);
    const encodings = ENCODINGS.filter(({ suffix }) => all.has(`${name}${suffix}`));
    files.set(name, { path, type, etag: etagOf(`${name} ${size} ${mtimeMs}`), encodings });
  }
  const routes = uiRoutesSchema.parse(JSON.parse(readFileSync(join(directory, 'routes.json'), 'utf8')));
  return { files, routes: routes.map(patternOf) };
}

/** `/ui/tasks/:id` -> every path with one more segment. */
function patternOf(route: string): RegExp {
  const segments = route.replace(/\/$/, '').split('/');
  return new RegExp(`^${segments.map((segment) => (segment.startsWith(':') ? '[^/]+' : segment)).join('/')}/?$`);
}

/** RFC 9110 section 12.5.3, as browsers send it: a name, not refused by `q=0`. */
function accepts(header: string, name: string): boolean {
  return header.split(',').some((item) => {
    const [coding = '', ...parameters] = item
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    return coding === name && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
