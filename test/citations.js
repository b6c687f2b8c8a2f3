/** Finds which promises the titles of tests cite: `[A1]`, `[A1, A2]`, `[A1][A2]`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
/** A bracket that holds nothing but ids: a capital letter and a number each. */
const bracket = /\[([A-Z]\d+(?:\s*,\s*[A-Z]\d+)*)\]/g;
/** A title is a string; an array such as `[A1, B2]` in code is none. */
const stringLiteral = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;
/** What is not run proves nothing. */
const notRun = /\b(?:skip|todo)\s*\(\s*$/;
/** Ids cited in string literals of `source`, with repetitions; not in comments, and not in tests that are skipped. */
export function citedIds(source) {
    const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
    return [...code.matchAll(stringLiteral)]
        .filter((literal) => !notRun.test(code.slice(0, literal.index)))
        .flatMap(([text]) => [...text.matchAll(bracket)])
        .flatMap(([, ids = '']) => ids.split(',').map((id) => id.trim()));
}
/** Every citation in the tests and shared suites below `dirs`, but for the files named in `except`. */
export function citationsIn(dirs, except) {
    return dirs.flatMap((dir) => readdirSync(dir, { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(test|contract)\.ts$/.test(file))
        .map((file) => join(dir, file))
        .filter((file) => !except.includes(file))
        .flatMap((file) => citedIds(readFileSync(file, 'utf8')).map((id) => ({ id, file }))));
}
