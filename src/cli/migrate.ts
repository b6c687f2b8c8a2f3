/** `parley migrate`: brings the database schema up to date, or says how it stands. */
import type { Command } from 'commander';
import { type Environment, processEnvironment } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { ConfigError, formatProblem } from '../config/problems.ts';
import { silentLogger } from '../core/logger.ts';
import { AppError } from '../protocol/errors.ts';
import type { AppliedMigration, MigrationStatus } from '../storage/migrations/migration.ts';
import type { Storage } from '../storage/storage.ts';
import { renderTable } from './table.ts';

export interface MigrateCommandOptions {
  /** Default: the environment of this process. */
  readonly env?: Environment;
  /** Default: the working directory of this process. */
  readonly cwd?: string;
  /** Default: `process.exitCode = code`. */
  readonly setExitCode?: (code: number) => void;
}

interface Flags {
  readonly status?: boolean;
  readonly json?: boolean;
}

/** Needs `parseAsync`. Output goes where `configureOutput` says. Exit code 1, with the reason, when it was not done. */
export function registerMigrateCommand(program: Command, options: MigrateCommandOptions = {}): void {
  const setExitCode = options.setExitCode ?? ((code) => void (process.exitCode = code));
  program
    .command('migrate')
    .description('bring the database schema up to date; the server does the same when it starts')
    .option('--status', 'change nothing; show which migrations were applied and which are still to be')
    .option('--json', 'print JSON')
    .action(async (flags: Flags, command: Command) => {
      const output = command.configureOutput();
      try {
        const config = loadConfig({ env: options.env ?? processEnvironment(), cwd: options.cwd ?? process.cwd() });
        const missing = flags.status === true ? await missingDatabase(config.database.url) : null;
        if (missing !== null) {
          output.writeOut?.(statusText(missing, flags));
          return;
        }
        const storage = await openConfigured(config);
        try {
          const { description } = storage;
          const shown = flags.status === true ? { description, ...(await storage.migrationStatus()) } : null;
          output.writeOut?.(shown === null ? await apply(storage, flags) : statusText(shown, flags));
        } finally {
          await storage.close();
        }
      } catch (error) {
        if (error instanceof ConfigError)
          for (const problem of error.problems) output.writeErr?.(`${formatProblem(problem)}\n`);
        else output.writeErr?.(`error: ${textOf(error)}\n`);
        setExitCode(1);
      }
    });
}

interface ShownStatus extends MigrationStatus {
  readonly description: string;
}

/** To open a file that is not there would make it; that is for the server, or `parley migrate`, to do. */
async function missingDatabase(url: string): Promise<ShownStatus | null> {
  const { missingFile } = await import('../storage/open.ts');
  const path = missingFile(url);
  if (path === null) return null;
  const [{ MIGRATIONS }, { statusOf }] = await Promise.all([
    import('../storage/migrations/list.ts'),
    import('../storage/migrations/migration.ts'),
  ]);
  return { description: `SQLite, ${path} (not there yet)`, ...statusOf(MIGRATIONS, []) };
}

async function openConfigured({ database }: Config): Promise<Storage> {
  const [{ openStorage }, { systemClock }] = await Promise.all([
    import('../storage/open.ts'),
    import('../ops/runtime.ts'),
  ]);
  return openStorage({ url: database.url, pool: database.pool, clock: systemClock, logger: silentLogger });
}

async function apply(storage: Storage, { json }: Flags): Promise<string> {
  const applied = await storage.migrate();
  const { unknown } = await storage.migrationStatus();
  if (json === true) return toJson({ database: storage.description, applied, unknown });
  const lines = applied.map(({ version, name }) => `applied ${version} ${name}\n`).join('');
  return `${lines}The schema is up to date (${storage.description}).\n${newerText(unknown)}`;
}

function statusText({ description, ...status }: ShownStatus, { json }: Flags): string {
  if (json === true) return toJson({ database: description, ...status });
  return `${description}\n\n${renderStatus(status)}${newerText(status.unknown)}`;
}

function renderStatus({ applied, pending }: MigrationStatus): string {
  const rows = [
    ...applied.map(({ version, name, appliedAt }) => [String(version), name, appliedAt]),
    ...pending.map(({ version, name }) => [String(version), name, 'pending']),
  ];
  return renderTable(['VERSION', 'NAME', 'APPLIED'], rows);
}

function newerText(unknown: readonly AppliedMigration[]): string {
  if (unknown.length === 0) return '';
  const names = unknown.map(({ version, name }) => `${version} ${name}`).join(', ');
  return `A newer program has applied what this one does not know: ${names}.\n`;
}

/** The person at the terminal is the operator: what the server would only log is shown. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof AppError && error.detail !== undefined ? `${error.message}: ${error.detail}` : error.message;
}

const toJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
