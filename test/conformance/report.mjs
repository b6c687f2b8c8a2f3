// @ts-check
/** Reads a JUnit report of the conformance kit, and compares it with the failures that are expected. */

/** @typedef {{ test: string, outcome: 'passed' | 'failed' | 'skipped', message: string }} TestResult */
/**
 * A group of expected-failures.yaml: in which kit and profiles which tests fail, which requirement of the kit they are
 * for, and why we are right. @typedef {{ kit: string, profiles: string[], tests: string[], requirement: string, reason: string }} ExpectedFailure
 */
/** @typedef {{ passed: number, expected: number, failed: number, skipped: number }} Counts */

const ENTITIES = /** @type {Record<string, string>} */ ({
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
  '#10': '\n',
});

/** @param {string} text */
const decoded = (text) => text.replace(/&(lt|gt|quot|apos|amp|#10);/g, (_entity, name) => ENTITIES[name] ?? '');

/** @param {string} xml @returns {TestResult[]} */
export function readReport(xml) {
  return [...xml.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)].map(([, head = '', , inside = '']) => {
    const attribute = (/** @type {string} */ name) => decoded(new RegExp(`\\b${name}="([^"]*)"`).exec(head)?.[1] ?? '');
    const outcome = /<(failure|error)\b/.test(inside) ? 'failed' : /<skipped\b/.test(inside) ? 'skipped' : 'passed';
    const message = decoded(/\bmessage="([^"]*)"/.exec(inside)?.[1] ?? '');
    return { test: `${attribute('classname')}::${attribute('name')}`, outcome, message };
  });
}

/** By the parameter of the test, else by its class or folder. @param {string} test */
function transportOf(test) {
  const words = test
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll('http_json', 'httpjson');
  const found = words.split(/[^a-z]+/).findLast((word) => ['grpc', 'jsonrpc', 'httpjson', 'rest'].includes(word));
  if (found === undefined) return 'any';
  return found === 'httpjson' || found === 'rest' ? 'HTTP+JSON' : found === 'grpc' ? 'gRPC' : 'JSON-RPC';
}

/**
 * @param {readonly TestResult[]} results
 * @param {readonly ExpectedFailure[]} expected
 * @param {string} kit
 * @param {string} profile
 */
export function compareRun(results, expected, kit, profile) {
  const rows = new Set(
    expected.filter((group) => group.kit === kit && group.profiles.includes(profile)).flatMap(({ tests }) => tests),
  );
  /** @type {Map<string, Counts>} */
  const counts = new Map();
  /** @type {string[]} */
  const problems = [];
  const judged = new Set();
  for (const { test, outcome, message } of results) {
    const transport = transportOf(test);
    const count = counts.get(transport) ?? { passed: 0, expected: 0, failed: 0, skipped: 0 };
    counts.set(transport, count);
    const isExpected = rows.has(test);
    if (outcome !== 'skipped') judged.add(test);
    if (outcome === 'failed' && isExpected) count.expected++;
    else count[outcome]++;
    if (outcome === 'failed' && !isExpected) problems.push(`Failed: ${test}: ${message.split('\n')[0]}`);
    if (outcome === 'passed' && isExpected) problems.push(`Passes now, so take its row out: ${test}`);
  }
  const unseen = [...rows].filter((test) => !judged.has(test));
  return { counts: new Map([...counts].sort(([one], [other]) => one.localeCompare(other))), problems, unseen };
}
