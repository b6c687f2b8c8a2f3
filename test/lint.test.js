/** The lint rules that the design leans on can fail: each finds its line in the fixture, and spares what is allowed. */
import { execFile } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
const fixture = 'test/fixtures/lint';
/** `file: rule` of each finding. */
let found;
beforeAll(async () => {
    const arguments_ = ['node_modules/oxlint/bin/oxlint', '--type-aware', '-f', 'json', fixture];
    // It exits with 1, for it finds what it should.
    const json = await new Promise((resolve) => {
        execFile(process.execPath, arguments_, { maxBuffer: 64 << 20 }, (_error, stdout) => resolve(stdout));
    });
    const { diagnostics } = JSON.parse(json);
    found = diagnostics.map(({ filename, code }) => `${filename.replace(`${fixture}/`, '')}: ${code}`);
});
describe('[lint]', () => {
    test.each([
        ['src/core/clock.ts', 'parley(no-ambient-time-or-chance)', 6],
        ['src/protocol/clock.ts', 'parley(no-ambient-time-or-chance)', 1],
        ['src/http/environment.ts', 'node(no-process-env)', 1],
        ['src/http/environment.ts', 'eslint(no-restricted-imports)', 1],
        ['src/http/console.ts', 'eslint(no-console)', 1],
        ['src/http/types.ts', 'typescript(no-explicit-any)', 1],
        ['src/http/types.ts', 'typescript(no-non-null-assertion)', 1],
        ['src/http/types.ts', 'typescript(no-unsafe-member-access)', 1],
        ['src/http/promises.ts', 'typescript(no-floating-promises)', 1],
        ['src/http/promises.ts', 'typescript(no-misused-promises)', 1],
        ['src/http/promises.ts', 'typescript(await-thenable)', 1],
        ['src/http/states.ts', 'typescript(switch-exhaustiveness-check)', 1],
        ['src/http/default-export.ts', 'import(no-default-export)', 1],
        ['src/http/style.ts', 'eslint(eqeqeq)', 1],
        ['src/http/style.ts', 'eslint(prefer-const)', 1],
        ['src/http/style.ts', 'eslint(no-unused-vars)', 1],
        ['src/http/style.ts', 'typescript(consistent-type-imports)', 1],
    ])('%s breaks %s, %i time(s)', (file, rule, times) => {
        expect(found.filter((line) => line === `${file}: ${rule}`)).toHaveLength(times);
    });
    test.each(['src/http/clock.ts', 'src/config/environment.ts', 'src/cli/console.ts', 'src/http/contract.ts'])('%s is in order', (file) => {
        expect(found.filter((line) => line.startsWith(`${file}: `))).toEqual([]);
    });
});
