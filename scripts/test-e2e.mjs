// @ts-check
/** `npm run test:e2e`: the tests in a real browser, below test/e2e. Arguments go on to vitest. */
import { spawnSync } from 'node:child_process';

const vitest = 'node_modules/vitest/vitest.mjs';
const arguments_ = [vitest, 'run', '--project', 'e2e', ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, arguments_, { stdio: 'inherit' });
process.exitCode = status ?? 1;
