// @ts-check
/** `npm run test:e2e`: the tests in a real browser, below test/e2e; says so when there are none. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const dir = 'test/e2e';
const files = existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }) : [];
if (files.some((file) => file.endsWith('.test.ts'))) {
  const vitest = 'node_modules/vitest/vitest.mjs';
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'e2e', ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  console.log('There are no end-to-end tests yet (test/e2e has none): nothing was tested.');
}
