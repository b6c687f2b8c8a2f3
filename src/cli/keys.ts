/** `parley keys create|list|show|revoke|rotate`: API keys from the command line. */
import type { Command } from 'commander';
import { SCOPES } from '../core/access/principal.ts';
import type { CreateKeyRequest, IssuedKey, Key, KeyList } from '../http/admin/contract.ts';
import { AppError } from '../protocol/errors.ts';
import { type AdminCommandOptions, type AdminFlags, adminCommands, toJson } from './admin-command.ts';
import { renderFields, renderTable } from './table.ts';

type Flags = AdminFlags;
interface CreateFlags extends Flags {
  readonly name: string;
  readonly scope?: string[];
  readonly agent?: string[];
  readonly expires?: string;
  readonly owner?: string;
}
interface RotateFlags extends Flags {
  readonly grace?: string;
}

const PATH = '/api/v1/keys';
const SHOWN_ONCE = 'This is the only time that the key is shown. Keep it where secrets are kept.';

/** Needs `parseAsync`. Output goes where `configureOutput` says. Exit code 1, with the reason, when it was not done. */
export function registerKeyCommands(program: Command, options: AdminCommandOptions = {}): void {
  const now = options.now ?? Date.now;
  const { add, run } = adminCommands(program, 'keys', 'API keys: make, list, show, rotate, revoke', options);

  add('create', 'make a key and show it, this once')
    .requiredOption('--name <name>', 'what it is for')
    .option('--scope <scope...>', `what it may do: ${SCOPES.join(', ')} (default: tasks:read tasks:write)`)
    .option('--agent <id...>', 'the agents that it may use (default: all)')
    .option('--expires <when>', 'after a time (12h, 30d, 8w), or at a date (2030-01-31, 2030-01-31T12:00:00Z)')
    .option('--owner <id>', 'for the principal of another key, as `keys list` shows it (default: one of its own)')
    .action((flags: CreateFlags, command: Command) =>
      run(command, flags, async (routes) => {
        const body: CreateKeyRequest = {
          name: flags.name,
          ...(flags.scope === undefined ? {} : { scopes: flags.scope as NonNullable<CreateKeyRequest['scopes']> }),
          ...(flags.agent === undefined ? {} : { agents: flags.agent }),
          ...(flags.expires === undefined ? {} : { expiresAt: parseMoment(flags.expires, now()) }),
          ...(flags.owner === undefined ? {} : { ownerId: flags.owner }),
        };
        return showIssued((await routes.send('POST', PATH, body)) as IssuedKey, flags, 'Made');
      }),
    );

  add('list', 'list all keys, newest first').action((flags: Flags, command: Command) =>
    run(command, flags, async (routes) => {
      const all: Key[] = [];
      let pageToken = '';
      do {
        const page = (await routes.send('GET', `${PATH}?pageSize=200&pageToken=${pageToken}`)) as KeyList;
        all.push(...page.keys);
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return flags.json === true ? toJson(all) : renderKeys(all);
    }),
  );

  add('show <id>', 'show what is known of a key').action((id: string, flags: Flags, command: Command) =>
    run(command, flags, async (routes) => {
      const key = (await routes.send('GET', pathOf(id))) as Key;
      return flags.json === true ? toJson(key) : renderFields(fieldsOf(key));
    }),
  );

  add('revoke <id>', 'end a key for good; what belongs to its owner stays').action(
    (id: string, flags: Flags, command: Command) =>
      run(command, flags, async (routes) => {
        await routes.send('DELETE', pathOf(id));
        return flags.json === true ? toJson({ id, revoked: true }) : `Revoked the key ${id}.\n`;
      }),
  );

  add('rotate <id>', 'replace a key by a new one with the same owner and rights, and show it, this once')
    .option('--grace <time>', 'how long the old key still works, such as 1h (default: it stops at once)')
    .action((id: string, flags: RotateFlags, command: Command) =>
      run(command, flags, async (routes) => {
        const body = flags.grace === undefined ? {} : { graceSeconds: parseSeconds('--grace', flags.grace) };
        return showIssued((await routes.send('POST', `${pathOf(id)}/rotate`, body)) as IssuedKey, flags, 'Rotated');
      }),
    );
}

const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

function showIssued(issued: IssuedKey, flags: Flags, done: string): string {
  if (flags.json === true) return toJson(issued);
  const { key, previousKeyExpiresAt } = issued;
  const old = previousKeyExpiresAt === null ? '' : `The old key works until ${previousKeyExpiresAt}.\n`;
  return `${done} the key ${issued.id}:\n\n  ${key}\n\n${SHOWN_ONCE}\n${old}\n${renderFields(fieldsOf(issued))}`;
}

function renderKeys(keys: readonly Key[]): string {
  if (keys.length === 0) return 'There are no API keys. `parley keys create --name NAME` makes one.\n';
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.prefix,
    key.status,
    key.scopes.join(' '),
    key.agents?.join(' ') ?? 'all',
    key.expiresAt ?? 'never',
    key.lastUsedAt ?? 'never',
    key.ownerId,
  ]);
  return renderTable(['ID', 'NAME', 'PREFIX', 'STATUS', 'SCOPES', 'AGENTS', 'EXPIRES', 'LAST USED', 'OWNER'], rows);
}

const fieldsOf = (key: Key): readonly (readonly [string, string])[] => [
  ['id', key.id],
  ['name', key.name],
  ['owner', key.ownerId],
  ['prefix', key.prefix],
  ['status', key.status],
  ['scopes', key.scopes.join(' ')],
  ['agents', key.agents?.join(' ') ?? 'all'],
  ['created', key.createdAt],
  ['expires', key.expiresAt ?? 'never'],
  ['last used', key.lastUsedAt ?? 'never'],
];

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function parseDuration(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const seconds = UNIT_SECONDS[unit];
  return count === undefined || seconds === undefined ? undefined : Number(count) * seconds;
}

function parseSeconds(option: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new AppError(
    'INVALID_PARAMS',
    `${option} must be a time such as 30s, 15m, 1h, 7d or 2w, not ${JSON.stringify(text)}`,
  );
}

/** A date without a time is its first moment in UTC. */
function parseMoment(text: string, nowMs: number): string {
  const seconds = parseDuration(text);
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const atMs = seconds !== undefined ? nowMs + seconds * 1000 : isDate ? Date.parse(text) : Number.NaN;
  if (atMs <= Date.UTC(9999, 11, 31)) return new Date(atMs).toISOString();
  throw new AppError(
    'INVALID_PARAMS',
    `--expires must be a time such as 12h, 30d or 8w, or a date such as 2030-01-31 or 2030-01-31T12:00:00Z, not ${JSON.stringify(text)}`,
  );
}
