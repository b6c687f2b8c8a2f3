// @ts-check
/**
 * Holds the direction of imports (.dependency-cruiser.mjs), and does not believe itself: it fails as well when it saw
 * too few modules, or when a tree made to break each rule is found to be in order.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import configuration from '../.dependency-cruiser.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
/** A tree with a violation of each rule. */
export const fixtureDir = 'test/fixtures/layering';
/** Fewer of the files in src/ than this share seen: the parser does not work, and silence means nothing. */
const leastShareSeen = 0.8;

/** @typedef {{ rule: string, from: string, to: string }} Violation */

/** Components, which dependency-cruiser cannot parse: their imports, held against the rule for the console.
 * @param {string} dir @returns {Violation[]} */
function componentViolations(dir) {
  const rule = (configuration.forbidden ?? []).find(({ name }) => name === 'web-sees-contracts');
  if (rule === undefined || !('to' in rule)) throw new Error('There is no rule for the console');
  const { path, pathNot } = /** @type {{ path: string, pathNot: string[] }} */ (rule.to);
  return readdirSync(join(dir, 'web'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.tsx') && !file.includes('node_modules'))
    .flatMap((file) => {
      const from = join(dir, 'web', file);
      const source = readFileSync(from, 'utf8');
      return [...source.matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g)].map(([, target = '']) => ({
        rule: 'web-sees-contracts',
        from: relative(dir, from).split(sep).join('/'),
        to: relative(dir, resolve(dirname(from), target))
          .split(sep)
          .join('/'),
      }));
    })
    .filter(({ to }) => new RegExp(path).test(to) && !pathNot.some((pattern) => new RegExp(pattern).test(to)));
}

/**
 * @param {string} baseDir directory that holds `src` (and `web`), relative to the repository
 * @returns {Promise<{ violations: Violation[], seen: number, files: number }>} `seen`: modules of src/ that were parsed
 */
export async function checkTree(baseDir) {
  const dir = resolve(root, baseDir);
  const folders = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && ['src', 'web'].includes(entry.name))
    .map((entry) => entry.name);
  const { options, ...ruleSet } = configuration;
  const { output } = await cruise(folders, { ...options, baseDir: dir, validate: true, ruleSet });
  if (typeof output === 'string') throw new TypeError('dependency-cruiser gave text where a result was asked for');
  const files = readdirSync(join(dir, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const violations = output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  return {
    violations: [...violations, ...(folders.includes('web') ? componentViolations(dir) : [])],
    seen: output.modules.filter(({ source }) => /^src\/.*\.ts$/.test(source)).length,
    files: files.length,
  };
}

/** Names of all rules. */
export const ruleNames = (configuration.forbidden ?? []).map((rule) => rule.name ?? 'unnamed');

/** @returns {Promise<string[]>} every reason why the layering is not proven; empty when all is well */
export async function layeringProblems() {
  const tree = await checkTree('.');
  const fixture = await checkTree(fixtureDir);
  const problems = tree.violations.map(({ rule, from, to }) => `${rule}: ${from} -> ${to}`);
  if (tree.seen < tree.files * leastShareSeen) {
    problems.push(`only ${tree.seen} of the ${tree.files} files in src/ were seen: what was not seen was not checked`);
  }
  const broken = new Set(fixture.violations.map(({ rule }) => rule));
  const blind = ruleNames.filter((name) => !broken.has(name));
  if (blind.length > 0) problems.push(`${fixtureDir} breaks every rule, but these did not notice: ${blind.join(', ')}`);
  return problems;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const problems = await layeringProblems();
  for (const problem of problems) console.error(problem);
  const { seen, files } = await checkTree('.');
  console.log(
    `${problems.length} layering problems; ${seen} of ${files} files seen, ${ruleNames.length} rules, each shown to fail`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
