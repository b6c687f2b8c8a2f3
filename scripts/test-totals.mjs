// @ts-check
/** Prints `N passed, N failed` from what .ci/run left in a directory; exits with 1 when anything failed. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The part of vitest's JSON report that counts.
 * @typedef {{ status: string, assertionResults: readonly { status: string }[] }} FileResult
 * @typedef {{ testResults: readonly FileResult[] }} Report
 */

/**
 * A test file that failed without a failed test of its own (it did not load, its set-up threw), an exit status that no
 * test explains, and failed static checks count as one failure each.
 * @param {Report | undefined} report undefined: there is none, the run broke down before
 * @param {number} testStatus exit status of the tests @param {number} checkStatus and of the static checks
 */
export function totalsOf(report, testStatus, checkStatus) {
  if (report === undefined) return { passed: 0, failed: 1 };
  const count = (/** @type {FileResult} */ file, /** @type {string} */ status) =>
    file.assertionResults.filter((result) => result.status === status).length;
  const sum = (/** @type {readonly number[]} */ numbers) => numbers.reduce((total, number) => total + number, 0);
  const passed = sum(report.testResults.map((file) => count(file, 'passed')));
  const inTests = sum(
    report.testResults.map((file) => Math.max(count(file, 'failed'), file.status === 'failed' ? 1 : 0)),
  );
  const failedTests = inTests === 0 && testStatus !== 0 ? 1 : inTests;
  // No test at all is no success.
  const none = passed + failedTests === 0 ? 1 : 0;
  return { passed, failed: failedTests + (checkStatus === 0 ? 0 : 1) + none };
}

/** @param {string} text @returns {Report | undefined} undefined when it was cut off */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {string} dir */
function readTotals(dir) {
  const reportFile = join(dir, 'tests.json');
  /** @param {string} name a missing status is that of a step that did not end */
  const statusOf = (name) => (existsSync(join(dir, name)) ? Number(readFileSync(join(dir, name), 'utf8')) : 1);
  if (!existsSync(reportFile)) return totalsOf(undefined, 1, 1);
  return totalsOf(parse(readFileSync(reportFile, 'utf8')), statusOf('test.status'), statusOf('check.status'));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { passed, failed } = readTotals(process.argv[2] ?? '.');
  process.exitCode = failed === 0 ? 0 : 1;
  console.log(`${passed} passed, ${failed} failed`);
}
