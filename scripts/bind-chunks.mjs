// @ts-check
/**
 * What a chunk takes of another, rolldown reads anew at each use and through a getter, so that a name that gets another value
 * is seen. For names that never do, that is a tenth of the CPU of a request. Here chunks take such names once, as they load.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const EXPORT =
  /^(?:Object\.defineProperty\(exports, "([\w$]+)", \{\n\tenumerable: true,\n\tget: function\(\) \{\n\t\treturn ([\w$]+);\n\t\}\n\}\)|exports\.([\w$]+) = ([\w$]+));$/gm;
/** What declares a name: the first for good, the others as long as nothing else in the text looks like a write to it. */
const CONSTANT = /^const ([\w$]+) = /gm;
const DECLARATION = /^(?:(?:async )?function\*? ?|class )([\w$]+)/gm;
const VARIABLE = /^var ([\w$]+) = /gm;
/** What may be written by a pattern, or by a loop: `[a, b] = …`, `({ a } = …)`, `for (a of …)`; those that declare names, too. */
const PATTERN = /[[{]([^[\]{}=;]*)[\]}] = |\bfor \(([\w$]+) (?:of|in) /g;
const IMPORT = /^const ([\w$]+) = require\("(\.\.?\/[^"]+)"\);$/gm;

/** @param {string} text of a chunk @returns {Set<string>} the names of its exports that have their value for good */
function constants(text) {
  const inPatterns = new Set(
    [...text.matchAll(PATTERN)].flatMap(([, names, name]) => (names ?? name ?? '').match(/[\w$]+/g) ?? []),
  );
  const writes = (/** @type {string} */ name) => {
    if (inPatterns.has(name)) return Number.POSITIVE_INFINITY;
    const it = name.replaceAll('$', '\\$');
    const before = `(?:\\+\\+|--)${it}(?![\\w$])`;
    const after = `${it}(?: ?[-+*/%&|^?<>]*=(?![=>])|\\+\\+|--)`;
    return [...text.matchAll(new RegExp(`(?<![\\w$.])(?:${before}|${after})`, 'g'))].length;
  };
  const names = (/** @type {RegExp} */ declaration) => [...text.matchAll(declaration)].map(([, name = '']) => name);
  const locals = new Set([
    ...names(CONSTANT),
    ...names(DECLARATION).filter((name) => writes(name) === 0),
    ...names(VARIABLE).filter((name) => writes(name) === 1),
  ]);
  const exported = [...text.matchAll(EXPORT)].map(([, name, local, plain, value]) => ({
    name: name ?? plain ?? '',
    local: local ?? value ?? '',
  }));
  return new Set(exported.filter(({ local }) => locals.has(local)).map(({ name }) => name));
}

/**
 * Rewrites the chunks and entries below `dir`, as rolldown has written them.
 * @param {string} dir
 * @returns {{ bound: number, left: string[] }} how many names were bound, and which are still read at each use
 * @throws {Error} when chunks need each other in a circle: the first of them would take what is not there yet
 */
export function bindChunks(dir) {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  const chunks = new Map(
    files.map((file) => {
      const text = readFileSync(join(dir, file), 'utf8');
      const needs = [...text.matchAll(IMPORT)].map(([line, variable = '', path = '']) => ({
        line,
        variable,
        file: relative(dir, join(dir, dirname(file), path)),
      }));
      return [file, { text, needs, constants: constants(text) }];
    }),
  );

  /** @type {Set<string>} */
  const visited = new Set();
  /** @param {string} file @param {readonly string[]} path */
  const refuseCircles = (file, path) => {
    if (path.includes(file)) throw new Error(`Chunks need each other: ${[...path, file].join(' -> ')}`);
    if (visited.has(file)) return;
    for (const need of chunks.get(file)?.needs ?? []) refuseCircles(need.file, [...path, file]);
    visited.add(file);
  };
  for (const file of files) refuseCircles(file, []);

  let bound = 0;
  /** @type {string[]} */
  const left = [];
  for (const [file, chunk] of chunks) {
    let { text } = chunk;
    for (const { line, variable, file: from } of chunk.needs) {
      const known = chunks.get(from)?.constants;
      /** @type {Set<string>} */
      const taken = new Set();
      const use = new RegExp(`(?<![\\w$.])${variable.replaceAll('$', '\\$')}\\.([\\w$]+)`, 'g');
      text = text.replace(use, (whole, name) => {
        if (known?.has(name) !== true) {
          left.push(`${file}: ${whole}`);
          return whole;
        }
        taken.add(name);
        return `${variable}$${name}`;
      });
      if (taken.size === 0) continue;
      bound += taken.size;
      const pattern = [...taken].map((name) => `${name}: ${variable}$${name}`).join(', ');
      // On the same line: what is written beside it of the places in the sources stays true.
      text = text.replace(line, () => `${line} const { ${pattern} } = ${variable};`);
    }
    if (text !== chunk.text) writeFileSync(join(dir, file), text);
  }
  return { bound, left };
}
