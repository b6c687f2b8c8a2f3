/** The reference of all keys and the example environment, written from the schema so that they cannot disagree with it. */
import { CONFIG_FILE_VARIABLE, POSTGRES_VARIABLES, REDIS_VARIABLES } from './environment.ts';
import type { KeyInfo } from './keys.ts';
import { KEYS } from './schema.ts';

const INTRODUCTION = `# Configuration

<!-- Written from src/config/schema.ts. After a change there: npx vitest run src/config/reference.test.ts -u -->

Every key has a default: Parley starts without any configuration. Values come from, later over earlier:

1. the defaults below,
2. \`parley.yaml\` in the working directory, or the file that \`${CONFIG_FILE_VARIABLE}\` names (it is only read, so it may be mounted read-only),
3. \`.env\` in the working directory,
4. the environment.

Unknown keys and values out of bounds stop the start, with the name of the key, what is wrong and, for a file, the line.
\`parley config check\` says the same without a start; \`parley config\` prints the effective configuration and where each
value came from, secrets masked.

- An empty variable, and a key without a value, count as not set.
- Lists are YAML lists in the file and comma-separated in the environment.
- Numbers are plain integers. The unit is part of the name.
- Relative paths are taken from the working directory.
- A secret can be given as a file: \`ADMIN_API_KEY_FILE\`, \`ENCRYPTION_KEY_FILE\`, \`DATABASE_URL_FILE\`,
  \`NATS_URL_FILE\`, \`POSTGRES_PASSWORD_FILE\`, \`REDIS_URL_FILE\`, \`REDIS_PASSWORD_FILE\`. The line break at its end
  is left out. The variable and its \`_FILE\` together are an error.
- A variable that begins with \`PARLEY_\` and is not listed here is an error. Those that Kubernetes makes for a service named
  \`parley\`, and \`..._PORT=tcp://...\`, are left alone.

\`\`\`yaml
server:
  host: 0.0.0.0
  behindTlsProxy: true
  publicUrl: https://agents.example.com
auth:
  adminKeyFile: /run/secrets/admin-key
database:
  url: sqlite:///var/lib/parley/parley.sqlite
\`\`\`
`;

/** docs/configuration.md. */
export function renderConfigurationReference(): string {
  const sections = new Map<string, KeyInfo[]>();
  for (const key of KEYS) {
    const section = key.path.includes('.') ? key.path.slice(0, key.path.indexOf('.')) : '';
    sections.set(section, [...(sections.get(section) ?? []), key]);
  }
  const tables = [...sections].map(([section, keys]) => {
    const rows = keys.map((key) => {
      const env = key.env === undefined ? '' : `\`${key.env}\``;
      return `| \`${key.path}\` | ${env} | ${defaultText(key)} | ${cell(key.allowed)} | ${cell(key.description)} |`;
    });
    const title = section === '' ? 'General' : `\`${section}\``;
    return `## ${title}\n\n| key | environment | default | allowed | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return [
    INTRODUCTION,
    ...tables,
    partsTable('PostgreSQL', 'POSTGRES_HOST', 'DATABASE_URL', 'database.url', POSTGRES_VARIABLES),
    partsTable('Redis', 'REDIS_HOST', 'REDIS_URL', 'redis.url', REDIS_VARIABLES),
  ].join('\n');
}

/** Of variables that together make the value of one key. */
function partsTable(
  name: string,
  host: string,
  url: string,
  key: string,
  parts: Readonly<Record<string, string>>,
): string {
  const rows = Object.entries(parts).map(([variable, meaning]) => `| \`${variable}\` | ${cell(meaning)} |`);
  return `## ${name} by parts

When \`${host}\` is set and \`${url}\` is not, these make \`${key}\` (defaults in brackets).

| environment | meaning |
|---|---|
${rows.join('\n')}
`;
}

/** .env.example: every variable, commented out, with its default. */
export function renderEnvironmentExample(): string {
  const own = KEYS.filter(({ env }) => env !== undefined).map((key) => {
    const value = typeof key.defaultValue === 'object' ? key.defaultValue.join(',') : (key.defaultValue ?? '');
    return `${comment(`${key.description} Allowed: ${key.allowed}.`)}\n# ${key.env}=${String(value)}\n`;
  });
  const parts = (variables: Readonly<Record<string, string>>) =>
    Object.entries(variables).map(([name, meaning]) => `${comment(meaning)}\n# ${name}=\n`);
  return [
    '# Copy to .env and take the # off what you want to change. The real environment overrides this file.\n# All keys, also those of parley.yaml only: docs/configuration.md\n',
    `# Configuration file (parley.yaml, when it is there).\n# ${CONFIG_FILE_VARIABLE}=\n`,
    ...own,
    comment('Instead of DATABASE_URL:'),
    ...parts(POSTGRES_VARIABLES),
    comment('Instead of REDIS_URL:'),
    ...parts(REDIS_VARIABLES),
  ].join('\n');
}

function defaultText({ defaultValue, derivedDefault }: KeyInfo): string {
  if (derivedDefault !== undefined) return cell(derivedDefault);
  if (defaultValue === undefined) return 'not set';
  if (typeof defaultValue === 'object') return defaultValue.length === 0 ? 'none' : `\`${defaultValue.join(', ')}\``;
  return `\`${String(defaultValue)}\``;
}

const cell = (text: string) => text.replace(/\|/g, '\\|');

/** Comment lines of at most 110 columns. */
function comment(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 108) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `# ${line}`).join('\n');
}
