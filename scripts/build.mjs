// @ts-check
/** Bundles src/ into dist/, copies what is not TypeScript, builds the console, and knows whether both are still true. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindChunks } from './bind-chunks.mjs';
import { buildWeb, isWebFresh } from './build-web.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const sourceDir = join(root, 'src');
const outDir = join(root, 'dist');
/** Left by a finished build: when it began, of which files, and for which Nodes compiled code was to be kept. */
const stampFile = join(outDir, '.build.json');

/** The program, and what other programs run it by. */
const entries = ['main', 'embedded'];

/** Compiled program that `npm start` and the tests run. */
export const programFile = join(outDir, 'cli', 'main.js');

/** @param {string} dir @returns {string[]} every file below `dir`, as paths relative to it, sorted */
function filesBelow(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

/** @param {string} file */
const isTypeScript = (file) => file.endsWith('.ts');
/** Tests and the suites that they share are no part of the program. @param {string} file */
const isTest = (file) => file.endsWith('.test.ts') || file.endsWith('.contract.ts');

/** @returns {string[]} absolute paths of everything that the build is made from */
function inputs() {
  const settings = readdirSync(root).filter((name) => name === 'package.json' || /^tsconfig.*\.json$/.test(name));
  const sources = filesBelow(sourceDir).filter((file) => !isTest(file));
  const scripts = ['build.mjs', 'bind-chunks.mjs'].map((name) => join(root, 'scripts', name));
  return [...settings.map((name) => join(root, name)), ...scripts, ...sources.map((file) => join(sourceDir, file))];
}

/** @param {readonly string[]} files */
const listHash = (files) =>
  createHash('sha256')
    .update(files.map((file) => relative(root, file)).join('\n'))
    .digest('hex');

/** As src/cli/code-cache.ts names the folder of what it compiles. */
const thisNode = `${process.version}-${process.arch}`;

/**
 * @typedef {object} Stamp
 * @property {number} startedAt
 * @property {string} files
 * @property {readonly string[]} built what this build has made, but for package.json
 * @property {readonly string[]} codeOf each Node that was to keep compiled code, whether or not it could
 */

/** @returns {Stamp} */
function readStamp() {
  const stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
  // One of an older script has no lists.
  return { built: [], codeOf: [], ...stamp };
}

/** A process that reads it never sees half of it. @param {Stamp} stamp */
function writeStamp(stamp) {
  const staged = `${stampFile}-${process.pid}`;
  writeFileSync(staged, JSON.stringify(stamp));
  renameSync(staged, stampFile);
}

/** @returns {string | undefined} why dist/ cannot be used as it is, or undefined when it can */
export function staleReason() {
  if (!existsSync(stampFile)) return 'there is no build yet';
  const stamp = readStamp();
  const files = inputs();
  if (listHash(files) !== stamp.files) return 'files were added or removed';
  const changed = files.find((file) => statSync(file).mtimeMs > stamp.startedAt);
  if (changed !== undefined) return `${relative(root, changed)} is newer than the build`;
  return isWebFresh() ? undefined : 'the console has changed';
}

/**
 * What is loaded from node_modules as it is needed: what has a native part, and what a server mostly or always does without.
 * Everything else is bundled: a hundred files instead of two thousand is half the start and a fifth less memory.
 */
const external = [
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  '@photostructure/sqlite',
  'dotenv',
  'pg-native',
  'pino-pretty',
  'yaml',
];

/** Moves `from` to `to` unless they are equal already: a process that reads dist/ never sees half a file.
 * @param {string} from @param {string} to */
function putFile(from, to) {
  if (existsSync(to) && readFileSync(to).equals(readFileSync(from))) return;
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

/**
 * @param {string} stagingDir two folders below the root must be its modules, as those of dist/ are
 * @param {readonly import('rolldown').RolldownPluginOption[]} [plugins]
 * @returns {Promise<boolean>} false when it has printed why there is no bundle
 */
export async function bundle(stagingDir, plugins = []) {
  try {
    // Not loaded where nothing is to be built.
    const { rolldown } = await import('rolldown');
    const program = await rolldown({
      cwd: root,
      input: Object.fromEntries(entries.map((name) => [`cli/${name}`, join(sourceDir, 'cli', `${name}.ts`)])),
      platform: 'node',
      external: (id) => id.startsWith('node:') || external.some((name) => id === name || id.startsWith(`${name}/`)),
      // Of packages; what is wrong in src/ is found by `npm run check`.
      checks: { eval: false, circularDependency: false },
      plugins: [...plugins],
    });
    // Two folders below the root like every file of src/ that asks where it lies (src/config/program.ts).
    const names = { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' };
    // CommonJS, as Node takes compiled code for no other modules (src/cli/code-cache.ts); strict, as modules are.
    const comments = { legal: true, annotation: false, jsdoc: false };
    await program.write({ dir: stagingDir, format: 'cjs', strict: true, sourcemap: true, comments, ...names });
    await program.close();
    bindChunks(stagingDir);
    writeFileSync(join(stagingDir, 'package.json'), '{ "type": "commonjs" }\n');
    for (const file of filesBelow(sourceDir).filter((name) => !isTypeScript(name))) {
      mkdirSync(dirname(join(stagingDir, file)), { recursive: true });
      copyFileSync(join(sourceDir, file), join(stagingDir, file));
    }
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

/** Keeps what V8 compiles of the program in `dir` during a start. Without it the program runs all the same.
 * @param {string} dir */
function cacheCode(dir) {
  // Flags of V8 that this process may have are not those of who runs the program.
  const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' };
  const program = join(dir, 'cli', 'main.js');
  const { status } = spawnSync(process.execPath, [program, 'cache-code'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
  if (status !== 0)
    console.error('The compiled code could not be kept: starts take longer, all else is as it should be.');
}

/** Of a build that was made by another Node, or without compiled code; a folder that is not ours to write stays as it is. */
function cacheCodeIfMissing() {
  const stamp = readStamp();
  if (stamp.codeOf.includes(thisNode)) return;
  try {
    accessSync(outDir, constants.W_OK);
    accessSync(stampFile, constants.W_OK);
  } catch {
    return;
  }
  process.stderr.write(`Keeping what Node ${process.version} compiles of Parley, for its next starts\n`);
  cacheCode(outDir);
  const kept = filesBelow(outDir).filter((file) => file.startsWith(`code-cache${sep}`));
  try {
    writeStamp({ ...stamp, codeOf: [...stamp.codeOf, thisNode], built: [...new Set([...stamp.built, ...kept])] });
  } catch (error) {
    // A full disk, say: no reason not to start. The next start tries again.
    console.error(`Not noted in dist${sep}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Builds into a directory of its own first, so that a failed build leaves dist/ as it was and two builds at once do
 * no harm. Then dist/ gets what changed, and loses what neither this build nor the one before has made: a server that is
 * running still loads parts of the latter. Types are not looked at; that is `npm run check:types`.
 * @param {{ keepsCode?: boolean }} [options] `keepsCode`: start the program once, for the next starts to take less time
 * @returns {Promise<boolean>} false when src/ could not be bundled (it has printed why)
 */
export async function build({ keepsCode = true } = {}) {
  const startedAt = Date.now();
  const files = inputs();
  const stagingDir = join(root, `.build-${process.pid}`);
  try {
    if (!(await bundle(stagingDir))) return false;
    if (keepsCode) cacheCode(stagingDir);
    // Says that the others are CommonJS: it comes before them, and goes with a build of other modules.
    putFile(join(stagingDir, 'package.json'), join(outDir, 'package.json'));
    rmSync(join(stagingDir, 'package.json'), { force: true });
    const built = filesBelow(stagingDir);
    for (const file of built) putFile(join(stagingDir, file), join(outDir, file));
    const before = existsSync(stampFile) ? readStamp().built : [];
    const keep = new Set([...built, ...before, 'package.json', relative(outDir, stampFile)]);
    for (const file of filesBelow(outDir)) if (!keep.has(file)) rmSync(join(outDir, file));
    writeStamp({ startedAt, files: listHash(files), built, codeOf: keepsCode ? [thisNode] : [] });
    return isWebFresh() || buildWeb();
  } finally {
    rmSync(stagingDir, { recursive: true, force: true });
  }
}

/**
 * Builds when needed, or keeps the compiled code that a build lacks, and says so in one line on stderr. In a process of its own: the memory of a build is half a gigabyte,
 * which a server that goes on in this process would keep.
 * @returns {boolean} false when a build was needed and failed
 */
export function buildIfStale() {
  const reason = staleReason();
  if (reason === undefined) {
    cacheCodeIfMissing();
    return true;
  }
  const begin = Date.now();
  process.stderr.write(`Building Parley (${reason}) ... `);
  const script = fileURLToPath(import.meta.url);
  const { status } = spawnSync(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit'] });
  const done = status === 0;
  process.stderr.write(done ? `done in ${((Date.now() - begin) / 1000).toFixed(1)} s\n` : 'failed\n');
  return done;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const done = await build();
  if (done)
    console.log(
      `Built ${filesBelow(outDir).filter((file) => file.endsWith('.js') && !file.startsWith('code-cache')).length} modules in dist${sep}`,
    );
  process.exitCode = done ? 0 : 1;
}
