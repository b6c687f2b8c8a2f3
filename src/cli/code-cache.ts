/**
 * What V8 has compiled of the program, kept beside it by the build: to compile it anew is a third of a start. A copy that
 * another V8 or other flags have made is refused by V8, and what is not there is compiled as always.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { PROGRAM_DIR } from '../config/program.ts';

/** The part of Node's loader that turns a file's text into a module. */
interface Loader {
  _compile: (this: Module, text: string, file: string, ...rest: unknown[]) => unknown;
}

/** What Module.wrap() makes of a file's text. */
type Body = (exports: unknown, require: NodeJS.Require, module: Module, file: string, dir: string) => unknown;

const modulesDir = join(PROGRAM_DIR, 'chunks');
/** Each Node and processor has its own, as those of a V8 for another processor are alike to this one's eye. */
const cacheDir = join(PROGRAM_DIR, 'code-cache', `${process.version}-${process.arch}`);
/** Before the code: a checksum of the text that it was made of, and one of itself. */
const HEADER_BYTES = 8;

const scripts = new Map<string, Script>();

/**
 * From here on modules of the program are loaded with their compiled code.
 *
 * @param isKept whether writeCodeCache() is to write what is loaded from now on
 */
export function readCodeCache(isKept = false): void {
  // Node finds no source map for a script that is loaded like this.
  if (!isKept && (process.sourceMapsEnabled || !existsSync(cacheDir))) return;
  const loader = Module.prototype as unknown as Loader;
  const compile = loader._compile;
  loader._compile = function (text, file, ...rest) {
    if (dirname(file) !== modulesDir) return compile.call(this, text, file, ...rest);
    const cachedData = isKept ? undefined : codeOf(file, text);
    if (cachedData === undefined && !isKept) return compile.call(this, text, file, ...rest);
    const script = new Script(Module.wrap(text), {
      filename: file,
      cachedData,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (isKept) scripts.set(file, script);
    const body = script.runInThisContext() as Body;
    const { exports } = this as { exports: unknown };
    return body.call(exports, exports, createRequire(file), this, file, modulesDir);
  };
}

/** Writes what V8 has compiled by now of the modules that were kept: what has run, so that what never runs costs nothing. */
export function writeCodeCache(): void {
  mkdirSync(cacheDir, { recursive: true });
  for (const [file, script] of scripts) {
    const code = script.createCachedData();
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(crc32(readFileSync(file)), 0);
    header.writeUInt32LE(crc32(code), 4);
    writeFileSync(cacheFile(file), Buffer.concat([header, code]));
  }
}

const cacheFile = (file: string) => join(cacheDir, basename(file));

/**
 * undefined: there is none of this text, or it is damaged. V8 itself compares nothing but the length of the text, and dies of
 * code that is not whole.
 */
function codeOf(file: string, text: string): Buffer | undefined {
  let kept: Buffer;
  try {
    kept = readFileSync(cacheFile(file));
  } catch {
    return undefined;
  }
  if (kept.length <= HEADER_BYTES) return undefined;
  const code = kept.subarray(HEADER_BYTES);
  return kept.readUInt32LE(0) === crc32(text) && kept.readUInt32LE(4) === crc32(code) ? code : undefined;
}
