// @ts-check
/**
 * `npm run conformance:compare -- --kit 1.0 --profile streaming-push REPORT.xml...`: a run of the kit, by its JUnit
 * reports, against expected-failures.yaml. A failure that is not expected is an error, and so is an expected one that
 * passes: its row has to go, and the list only gets shorter.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { compareRun, readReport } from './report.mjs';

/** @typedef {import('./report.mjs').ExpectedFailure} ExpectedFailure */

const { values, positionals } = parseArgs({
  options: { kit: { type: 'string' }, profile: { type: 'string' } },
  allowPositionals: true,
});
const { kit, profile } = values;

if (kit === undefined || profile === undefined || positionals.length === 0) {
  console.error('Usage: npm run conformance:compare -- --kit 1.0|0.3 --profile NAME REPORT.xml...');
  process.exitCode = 2;
} else {
  const file = new URL('expected-failures.yaml', import.meta.url);
  const expected = /** @type {ExpectedFailure[]} */ (parse(readFileSync(file, 'utf8')));
  const results = positionals.flatMap((path) => readReport(readFileSync(path, 'utf8')));
  const { counts, problems, unseen } = compareRun(results, expected, kit, profile);
  console.log(`| transport | passed | expected failures | other failures | skipped |`);
  console.log('|---|---|---|---|---|');
  for (const [transport, count] of counts) {
    console.log(`| ${transport} | ${count.passed} | ${count.expected} | ${count.failed} | ${count.skipped} |`);
  }
  for (const test of unseen) console.log(`Not run, so not judged: ${test}`);
  for (const problem of problems) console.error(problem);
  if (results.length === 0) console.error('There are no tests in these reports');
  process.exitCode = problems.length === 0 && results.length > 0 ? 0 : 1;
}
