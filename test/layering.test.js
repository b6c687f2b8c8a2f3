/** The direction of imports holds, and the check of it can fail: the same functions as `npm run check:layers`. */
import { describe, expect, test } from 'vitest';
import { checkTree, fixtureDir, layeringProblems, ruleNames } from '../scripts/check-layers.mjs';
describe('[layering]', () => {
    test('no module of src/ imports against the order of the layers, and enough of them were seen to say so', async () => {
        expect(await layeringProblems()).toEqual([]);
    });
    test('every rule notices the file of the fixture that breaks it', async () => {
        const { violations, seen, files } = await checkTree(fixtureDir);
        expect(seen).toBe(files);
        expect([...new Set(violations.map(({ rule }) => rule))].sort()).toEqual([...ruleNames].sort());
    });
    test.each([
        ['protocol imports core', 'layer-protocol', 'src/protocol/wire.ts', 'src/core/rules.ts'],
        ['core imports storage', 'layer-core', 'src/core/rules.ts', 'src/storage/sqlite/store.ts'],
        ['a surface imports config', 'layer-http', 'src/http/listener.ts', 'src/config/schema.ts'],
        ['an adapter imports a type of config', 'layer-storage', 'src/storage/postgres/store.ts', 'src/config/schema.ts'],
        ['siblings import each other', 'layer-agents', 'src/agents/echo.ts', 'src/bus/bus.ts'],
        ['a dynamic import goes sideways', 'layer-ops', 'src/ops/metrics.ts', 'src/mcp/tools.ts'],
    ])('it is found when %s', async (_case, rule, from, to) => {
        const { violations } = await checkTree(fixtureDir);
        expect(violations).toContainEqual({ rule, from, to });
    });
});
