// @ts-check
/**
 * Which way imports may go (ARCHITECTURE.md):
 * protocol <- core <- {storage, bus, agents, identity, llm, outbound} <- {http, grpc, mcp, ops} <- server.ts <- cli.
 * Run it by scripts/check-layers.mjs, which also proves that it saw the modules and that it can fail.
 */
const adapters = ['storage', 'bus', 'agents', 'identity', 'llm', 'outbound'];
const surfaces = ['http', 'grpc', 'mcp', 'ops'];

/** What each folder (or file) of src/ may import besides itself. Who is not in this table may import nothing of src/. */
const mayImport = /** @type {Record<string, string[]>} */ ({
  protocol: [],
  core: ['protocol'],
  config: ['protocol', 'core'],
  ...Object.fromEntries(adapters.map((name) => [name, ['protocol', 'core']])),
  ...Object.fromEntries(surfaces.map((name) => [name, ['protocol', 'core', ...adapters]])),
  server: ['protocol', 'core', 'config', ...adapters, ...surfaces],
  'server.ts': ['server', 'protocol', 'core', 'config', ...adapters, ...surfaces],
  cli: ['protocol', 'core', 'config', 'server.ts', ...adapters, ...surfaces],
});

/** `^src/(core/|server[.]ts$)` and so on. @param {readonly string[]} parts */
const pathOf = (parts) =>
  `^src/(${parts.map((part) => (part.endsWith('.ts') ? `${part.replace('.', '[.]')}$` : `${part}/`)).join('|')})`;

/** Tests compose whatever they need; the direction is that of the program. */
const tests = '[.]test[.]ts$';
const testsAndSuites = '[.](test|contract)[.]ts$';

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const layers = Object.entries(mayImport).map(([part, others]) => ({
  name: `layer-${part}`,
  comment: `src/${part} may import ${['itself', ...others].join(', ')}, and nothing else of src/`,
  severity: 'error',
  from: { path: pathOf([part]), pathNot: tests },
  to: { path: '^src/', pathNot: pathOf([part, ...others]) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layers,
    {
      name: 'known-part',
      comment: 'A new folder of src/ needs its line in the table of .dependency-cruiser.mjs',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(Object.keys(mayImport)) },
      to: {},
    },
    {
      name: 'twins-apart',
      comment: 'storage/sqlite and storage/postgres share by storage/*.ts, not by importing each other',
      severity: 'error',
      from: { path: '^src/storage/(sqlite|postgres)/', pathNot: tests },
      to: { path: '^src/storage/(sqlite|postgres)/', pathNot: '^src/storage/$1/' },
    },
    {
      name: 'no-cycle',
      comment: 'Modules that import each other cannot be read, tested or moved alone',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'program-without-tests',
      comment: 'The program imports nothing from test/, bench/, scripts/ or web/, and no test beside the code',
      severity: 'error',
      from: { path: '^src/', pathNot: testsAndSuites },
      to: { path: ['^(test|bench|scripts|web)/', `^src/.*${testsAndSuites}`] },
    },
    {
      name: 'suites-without-bench',
      comment: 'Tests beside the code use test/support and no other code from outside src/',
      severity: 'error',
      from: { path: `^src/.*${testsAndSuites}` },
      to: { path: '^(test/(?!support/)|bench/|web/)' },
    },
    {
      name: 'pure-core',
      comment: 'protocol and core do no I/O: of Node only what computes, of packages none that talks to anything',
      severity: 'error',
      from: { path: pathOf(['protocol', 'core']), pathNot: testsAndSuites },
      to: {
        path: [
          '^(node:)?(fs|net|http|http2|https|tls|dgram|dns|child_process|cluster|worker_threads|readline|repl|process|os|sqlite|timers)(/|$)',
          '(^|node_modules/)(fastify|kysely|pg|pino|undici|ws|@redis|@photostructure|commander|dotenv|prom-client|@grpc|@nats-io)(/|$)',
        ],
      },
    },
    {
      name: 'guarded-calls',
      comment:
        'A server calls other machines by src/outbound, which checks the address; the CLI calls what its own user names',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(outbound|cli)/', testsAndSuites] },
      to: { path: '(^|node_modules/)undici(/|$)' },
    },
    {
      name: 'web-sees-contracts',
      comment: 'The console knows the protocol and the contract files of src/http, and nothing else of the server',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^src/', pathNot: ['^src/protocol/', '^src/http/.*contract[.]ts$'] },
    },
    {
      name: 'program-on-dependencies',
      comment: 'What the program imports is in "dependencies": it is there after `npm ci --omit=dev`',
      severity: 'error',
      from: { path: '^src/', pathNot: testsAndSuites },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      comment: 'An import of something that is not there',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // dependency-cruiser knows TypeScript up to 6; with 7 it sees no module at all and finds nothing wrong. swc parses.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // Components: its parser reads no JSX. scripts/check-layers.mjs looks through them by itself.
    exclude: { path: '^web/(dist|[.]dist|.*[.]tsx$)' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
