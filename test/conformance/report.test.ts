/** How a run of the kit is judged. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { PROFILES } from './agent.mjs';
import { compareRun, type ExpectedFailure, readReport } from './report.mjs';

const report = `<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.a.TestX" name="test_one[jsonrpc]" time="0.1" />
<testcase classname="tests.a.TestX" name="test_two[&quot;grpc&quot;]" time="0.1"><failure message="E: a &lt; b&#10;more">long</failure></testcase>
<testcase classname="tests.http_json.TestY" name="test_three" time="0.1"><skipped message="not now" /></testcase>
<testcase classname="tests.a" name="test_four"><error message="no fixture">x</error></testcase>
</testsuite></testsuites>`;

const row = (id: string): ExpectedFailure => ({
  kit: '1.0',
  profiles: ['plain'],
  tests: [id],
  requirement: 'R',
  reason: 'because',
});
const judge = (...ids: string[]) => compareRun(readReport(report), ids.map(row), '1.0', 'plain');
const TWO = 'tests.a.TestX::test_two["grpc"]';
const FOUR = 'tests.a::test_four';

describe('a run of the kit', () => {
  test('is counted by transport', () => {
    const { counts } = judge(TWO, FOUR);
    expect(Object.fromEntries(counts)).toEqual({
      any: { passed: 0, expected: 1, failed: 0, skipped: 0 },
      gRPC: { passed: 0, expected: 1, failed: 0, skipped: 0 },
      'HTTP+JSON': { passed: 0, expected: 0, failed: 0, skipped: 1 },
      'JSON-RPC': { passed: 1, expected: 0, failed: 0, skipped: 0 },
    });
  });

  test('is well where every failure is expected', () => {
    expect(judge(TWO, FOUR).problems).toEqual([]);
  });

  test('is not where a failure, or an error, is not expected', () => {
    expect(judge(TWO).problems).toEqual([`Failed: ${FOUR}: no fixture`]);
    expect(compareRun(readReport(report), [row(TWO), row(FOUR)], '0.3', 'plain').problems).toHaveLength(2);
    expect(compareRun(readReport(report), [row(TWO), row(FOUR)], '1.0', 'other').problems).toHaveLength(2);
  });

  test('is not where an expected failure passes', () => {
    const one = 'tests.a.TestX::test_one[jsonrpc]';
    expect(judge(TWO, FOUR, one).problems).toEqual([`Passes now, so take its row out: ${one}`]);
  });

  test('says which expected failures it does not judge', () => {
    expect(judge(TWO, FOUR, 'tests.http_json.TestY::test_three', 'gone').unseen).toEqual([
      'tests.http_json.TestY::test_three',
      'gone',
    ]);
  });
});

test('[A15] every expected failure has a reason that names a section, and there is one row for it', () => {
  const rows = parse(readFileSync(new URL('expected-failures.yaml', import.meta.url), 'utf8')) as ExpectedFailure[];
  for (const { kit, profiles, tests, requirement, reason } of rows) {
    expect(['1.0', '0.3']).toContain(kit);
    for (const profile of profiles) expect(Object.keys(PROFILES)).toContain(profile);
    for (const id of tests) expect(id).toMatch(/^tests\..+::.+/);
    expect(requirement).toMatch(/./);
    expect(reason).toMatch(/section \d/i);
  }
  const ids = rows.flatMap(({ kit, tests }) => tests.map((id) => `${kit} ${id}`));
  expect(new Set(ids).size).toBe(ids.length);
});
