/** How tests run: `unit` beside the code, `integration` below test/, `e2e` in a browser. Child processes, three at a time. */
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const temporaryFiles = 'test/support/temporary-files.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the cores of a small machine: many tests wait for leases, heartbeats and processes.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // A failure prints everything; a pass prints its file. The last lines are the totals.
    reporters: ['default'],
    restoreMocks: true,
    unstubEnvs: true,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts', 'src/**/*.contract.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'web/src/**/*.test.ts'],
          globalSetup: [temporaryFiles, 'test/support/postgres-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          globalSetup: [temporaryFiles, 'test/support/postgres-setup.ts', 'test/support/build-setup.ts'],
          setupFiles: ['test/support/stop-servers.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          // What a page shows follows the server, which has work to do: a second, as by default, is a guess.
          expect: { poll: { timeout: 20_000 } },
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: [temporaryFiles, 'test/support/build-setup.ts'],
          setupFiles: ['test/support/stop-servers.ts'],
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
