/** The last line of .ci/run tells the truth, also when the run broke. */
import { expect, test } from 'vitest';
import { totalsOf } from '../scripts/test-totals.mjs';
const file = (status, ...results) => ({
    status,
    assertionResults: results.map((result) => ({ status: result })),
});
test.each([
    ['all is well', [file('passed', 'passed', 'passed', 'skipped')], 0, 0, { passed: 2, failed: 0 }],
    ['a test failed', [file('failed', 'passed', 'failed'), file('passed', 'passed')], 1, 0, { passed: 2, failed: 1 }],
    ['a file did not load', [file('failed'), file('passed', 'passed')], 1, 0, { passed: 1, failed: 1 }],
    [
        'a set-up threw, so that its tests were skipped',
        [file('failed', 'skipped', 'skipped')],
        1,
        0,
        { passed: 0, failed: 1 },
    ],
    ['every test passed and yet the run failed', [file('passed', 'passed')], 1, 0, { passed: 1, failed: 1 }],
    ['the static checks failed', [file('passed', 'passed')], 0, 1, { passed: 1, failed: 1 }],
    ['there were no tests', [], 0, 0, { passed: 0, failed: 1 }],
])('when %s', (_case, testResults, testStatus, checkStatus, totals) => {
    expect(totalsOf({ testResults }, testStatus, checkStatus)).toEqual(totals);
});
test('when the run broke down before it had results', () => {
    expect(totalsOf(undefined, 1, 1)).toEqual({ passed: 0, failed: 1 });
});
