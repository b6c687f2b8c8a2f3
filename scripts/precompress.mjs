// @ts-check
/** `node scripts/precompress.mjs DIRECTORY`: writes a `.br` and a `.gz` beside each text file that they make smaller. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXTS = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt']);
/** Below this size a compressed answer saves nothing. */
const MIN_BYTES = 1024;

/** @param {string} directory @returns {number} how many files got a twin */
export function precompress(directory) {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && TEXTS.has(extname(entry.name)),
  );
  let count = 0;
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    const body = readFileSync(path);
    if (body.length < MIN_BYTES) continue;
    const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
    writeFileSync(`${path}.br`, brotliCompressSync(body, { params }));
    writeFileSync(`${path}.gz`, gzipSync(body, { level: constants.Z_BEST_COMPRESSION }));
    count++;
  }
  return count;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [, , directory] = process.argv;
  if (directory === undefined) throw new Error('Say which directory: node scripts/precompress.mjs web/dist');
  console.log(`Compressed ${precompress(directory)} files in ${directory}`);
}
