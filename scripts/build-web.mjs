// @ts-check
/** Builds the console: web/ to web/dist, with compressed twins beside the files. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { precompress } from './precompress.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const webDir = join(root, 'web');
const outDir = join(webDir, 'dist');

/** Absolute paths of everything that the console is made from. @returns {string[]} */
export function webInputs() {
  if (!existsSync(webDir)) return [];
  const top = readdirSync(webDir, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(webDir, name));
  const below = ['src', 'public'].flatMap((folder) =>
    readdirSync(join(webDir, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  return [...top, ...below].sort();
}

/** @returns {boolean} whether web/dist is there */
export const hasWebBuild = () => existsSync(join(outDir, 'index.html'));

/** Whether web/dist was made after the last change of what it is made from. */
export function isWebFresh() {
  if (!hasWebBuild()) return false;
  const builtAt = statSync(join(outDir, 'index.html')).mtimeMs;
  return webInputs().every((file) => statSync(file).mtimeMs <= builtAt);
}

/**
 * Beside first, then in one move: a server that runs meanwhile reads the old console or the new one.
 * @returns {boolean} false when the build failed (it has said why)
 */
export function buildWeb() {
  const stagingDir = join(webDir, `.dist-${process.pid}`);
  const oldDir = `${stagingDir}-old`;
  try {
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    const arguments_ = [vite, 'build', '--outDir', stagingDir, '--emptyOutDir', '--logLevel', 'warn'];
    const { status } = spawnSync(process.execPath, arguments_, {
      cwd: webDir,
      stdio: ['ignore', 2, 2],
      // Tests build too, and would get the libraries' forms for developers.
      env: { ...process.env, NODE_ENV: 'production' },
    });
    if (status !== 0) return false;
    precompress(stagingDir);
    if (existsSync(outDir)) renameSync(outDir, oldDir);
    renameSync(stagingDir, outDir);
    return true;
  } finally {
    rmSync(stagingDir, { recursive: true, force: true });
    rmSync(oldDir, { recursive: true, force: true });
  }
}

/**
 * What a browser fetches before the first page is there: the entry, what it imports, and the same of its routes.
 * @param {...string} routes as the manifest of the build names their modules
 * @returns {{ files: string[], gzipBytes: number }} scripts only
 */
export function firstLoad(...routes) {
  /** @type {Record<string, { file: string, isEntry?: boolean, imports?: string[] }>} */
  const manifest = JSON.parse(readFileSync(join(outDir, '.vite', 'manifest.json'), 'utf8'));
  /** @type {Set<string>} */
  const files = new Set();
  /** @param {string} name */
  const add = (name) => {
    const chunk = manifest[name];
    if (chunk === undefined) throw new Error(`The build has no ${name}`);
    if (files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const imported of chunk.imports ?? []) add(imported);
  };
  const [entry] = Object.entries(manifest).find(([, { isEntry }]) => isEntry === true) ?? [];
  if (entry === undefined) throw new Error('The build has no entry');
  add(entry);
  for (const route of routes) add(route);
  const gzipBytes = [...files].reduce((sum, file) => {
    const twin = join(outDir, `${file}.gz`);
    return sum + statSync(existsSync(twin) ? twin : join(outDir, file)).size;
  }, 0);
  return { files: [...files].map((file) => relative('.', file)), gzipBytes };
}
