/** `parley signing-keys list|rotate|retire`: the keys that the server signs cards and push notifications with. */
import type { Command } from 'commander';
import type { SigningKey, SigningKeyList } from '../http/admin/signing-key-contract.ts';
import { type AdminCommandOptions, type AdminFlags, adminCommands, toJson } from './admin-command.ts';
import { renderTable } from './table.ts';

interface RotateFlags extends AdminFlags {
  readonly now?: boolean;
}

const PATH = '/api/v1/signing-keys';

/** Needs `parseAsync`. Exit code 1, with the reason, when it was not done. */
export function registerSigningKeyCommands(program: Command, options: AdminCommandOptions = {}): void {
  const { add, run } = adminCommands(program, 'signing-keys', 'keys that sign cards and push notifications', options);

  add('list', 'list all keys, newest first').action((flags: AdminFlags, command: Command) =>
    run(command, flags, async (routes) => {
      const list = (await routes.send('GET', PATH)) as SigningKeyList;
      return flags.json === true ? toJson(list.keys) : renderKeys(list.keys);
    }),
  );

  add('rotate', 'make a new key: published at once, it signs after ten minutes')
    .option('--now', 'sign with it at once; caches of the published keys may not have it yet')
    .action((flags: RotateFlags, command: Command) =>
      run(command, flags, async (routes) => {
        const body = flags.now === true ? { activateInSeconds: 0 } : {};
        const key = (await routes.send('POST', `${PATH}/rotate`, body)) as SigningKey;
        if (flags.json === true) return toJson(key);
        const when = key.status === 'current' ? 'It signs from now on.' : `It signs from ${key.activeFrom} on.`;
        return `Made the key ${key.kid}. ${when}\nThe keys before it stay published until they are retired.\n`;
      }),
    );

  add('retire <kid>', 'stop publishing a key: what it signed is not valid any more').action(
    (kid: string, flags: AdminFlags, command: Command) =>
      run(command, flags, async (routes) => {
        const key = (await routes.send('POST', `${PATH}/${encodeURIComponent(kid)}/retire`)) as SigningKey;
        return flags.json === true ? toJson(key) : `Retired the key ${key.kid}.\n`;
      }),
  );
}

function renderKeys(keys: readonly SigningKey[]): string {
  const rows = keys.map((key) => [
    key.kid,
    key.algorithm,
    key.status,
    key.createdAt,
    key.activeFrom,
    key.retiredAt ?? '',
  ]);
  return renderTable(['KEY', 'ALGORITHM', 'STATUS', 'MADE', 'SIGNS FROM', 'RETIRED'], rows);
}
