/** Every promise that is said to be kept has a test that cites it; no test cites a promise that does not exist. */
import { describe, expect, test } from 'vitest';
import { citationsIn, citedIds } from './citations.js';
import { delivered, partly, promises } from './promises.js';
/** This file speaks of ids without proving anything. */
const citations = citationsIn(['src', 'test'], ['test/promises.test.ts']);
const cited = new Set(citations.map(({ id }) => id));
const known = new Set(promises.map(({ id }) => id));
describe('the list of promises', () => {
    test('has each id once', () => {
        expect(known.size).toBe(promises.length);
    });
    test('no promise is both kept in full and in part', () => {
        expect(delivered.filter((id) => id in partly)).toEqual([]);
    });
});
describe('citations', () => {
    test('no test cites an id that is not in the list', () => {
        expect(citations.filter(({ id }) => !known.has(id))).toEqual([]);
    });
    test('every promise that is delivered, in full or in part, is cited by a test', () => {
        expect([...delivered, ...Object.keys(partly)].filter((id) => !cited.has(id))).toEqual([]);
    });
    test('what is promised and not yet delivered is reported', () => {
        const claimed = new Set([...delivered, ...Object.keys(partly)]);
        const open = promises.filter(({ id }) => !claimed.has(id) && !cited.has(id));
        const early = promises.filter(({ id }) => !claimed.has(id) && cited.has(id));
        const list = (rows) => rows.map(({ id }) => id).join(' ') || 'none';
        expect(early.filter(({ id }) => !known.has(id))).toEqual([]);
        console.info(`Promises: ${delivered.length} delivered, ${Object.keys(partly).length} in part, of ${promises.length}. ` +
            `Cited but not yet claimed: ${list(early)}. Cited by nothing: ${list(open)}.`);
    });
});
describe('what counts as a citation', () => {
    test.each([
        ["test('[A1] one', f)", ['A1']],
        ["test('[A1, A2] two', f)", ['A1', 'A2']],
        ['test("[A1][O12] adjoining", f)', ['A1', 'O12']],
        ['test.each([[1]])(`[A5] %s`, f)', ['A5']],
        ["describe('[I2] keys', () => { test('[A6] hidden', f) })", ['I2', 'A6']],
        ['const list = [A1, A2];', []],
        ["// test('[A1] commented out', f)", []],
        ["/* test('[A1] commented out', f) */", []],
        ["test.skip('[A1] skipped', f)", []],
        ["test.todo('[A1] to do')", []],
        ["test('[layering] no id', f)", []],
    ])('%s', (source, ids) => {
        expect(citedIds(source)).toEqual(ids);
    });
});
