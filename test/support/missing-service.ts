/** Tests that need a service which this machine does not have: skipped loudly, or an error where all services must be there. */

/**
 * Says on standard error that these tests are skipped, and answers why, for `describe.skipIf`.
 * @param tests what is skipped, in capitals: `NATS TESTS`
 * @throws Error instead when REQUIRE_SERVICES=1
 */
export function skippedBecause(tests: string, why: string): string {
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, and ${why}`);
  process.stderr.write(`\n!! ${tests} ARE SKIPPED: ${why}\n\n`);
  return why;
}
