/** `parley rekey`: seals the secrets in the database with the current encryption key, and says which keys may go. */
import type { Command } from 'commander';
import type { EncryptionStatus, RekeyBatchAnswer } from '../http/admin/encryption-contract.ts';
import {
  type AdminCommandOptions,
  type AdminFlags,
  PLAIN_HTTP_OPTION,
  runAdminCommand,
  toJson,
  URL_OPTION,
} from './admin-command.ts';
import type { AdminRoutes } from './admin-routes.ts';
import { renderTable } from './table.ts';

interface Flags extends AdminFlags {
  readonly status?: boolean;
}

interface Totals {
  rewritten: number;
  readonly failed: { readonly table: string; readonly row: string }[];
}

const PATH = '/api/v1/encryption';
/** A pass finds what others wrote with an older key during the one before; more are needed only while replicas disagree. */
const MAX_PASSES = 5;

/** Needs `parseAsync`. Exit code 1 when a secret could not be sealed anew. May be stopped and run again at any time. */
export function registerRekeyCommand(program: Command, options: AdminCommandOptions = {}): void {
  const setExitCode = options.setExitCode ?? ((code) => void (process.exitCode = code));
  program
    .command('rekey')
    .description('seal all secrets in the database with the current encryption key, while the server runs')
    .option(...URL_OPTION)
    .option(...PLAIN_HTTP_OPTION)
    .option('--status', 'change nothing; show how many secrets each key has sealed')
    .option('--json', 'print JSON')
    .action((flags: Flags, command: Command) =>
      runAdminCommand(options, command, flags, async (routes) => {
        const totals: Totals = { rewritten: 0, failed: [] };
        const progress = (text: string): void => {
          if (flags.json !== true) command.configureOutput().writeErr?.(text);
        };
        if (flags.status !== true) await rekey(routes, totals, progress);
        const status = (await routes.send('GET', PATH)) as EncryptionStatus;
        if (totals.failed.length > 0 || (flags.status !== true && status.remaining > 0)) setExitCode(1);
        if (flags.json === true) return toJson(flags.status === true ? status : { ...totals, ...status });
        return `${flags.status === true ? '' : renderTotals(totals)}${renderStatus(status)}`;
      }),
    );
}

async function rekey(routes: AdminRoutes, totals: Totals, progress: (text: string) => void): Promise<void> {
  for (let pass = 1; pass <= MAX_PASSES; pass++) {
    let skipped = 0;
    totals.failed.length = 0;
    let position = '';
    do {
      const batch = (await routes.send('POST', `${PATH}/rekey`, { position })) as RekeyBatchAnswer;
      totals.rewritten += batch.rewritten;
      totals.failed.push(...batch.failed);
      skipped += batch.skipped;
      position = batch.nextPosition;
      if (batch.rewritten > 0) progress(`sealed ${totals.rewritten} secret(s) anew\n`);
    } while (position !== '');
    if (skipped === 0) return;
  }
}

function renderTotals({ rewritten, failed }: Totals): string {
  const rows = failed.map(({ table, row }) => `  ${table}, row ${row}\n`.replace(/[^\P{Cc}\n]/gu, '?')).join('');
  const problem =
    failed.length === 0 ? '' : `${failed.length} cannot be opened with any key that is here, and stay as they are:\n`;
  return `Sealed ${rewritten} secret(s) anew.\n${problem}${rows}\n`;
}

function renderStatus({ keys, remaining, removable }: EncryptionStatus): string {
  const rows = keys.map(({ keyId, isCurrent, isHere, count }) => [
    keyId === '' ? '(plaintext)' : keyId,
    isCurrent ? 'current' : keyId === '' ? 'to be sealed' : isHere ? 'earlier' : 'MISSING',
    String(count),
  ]);
  const left =
    remaining === 0
      ? 'Every secret is sealed with the current key.'
      : `${remaining} secret(s) are not sealed with the current key yet.`;
  const advice = removable.length === 0 ? '' : `No longer needed, once all replicas say so: ${removable.join(', ')}\n`;
  return `${renderTable(['KEY', 'STATE', 'SECRETS'], rows)}\n${left}\n${advice}`;
}
