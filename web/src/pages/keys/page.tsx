/** API keys: who may use this server, for what, until when. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Ellipsis, Plus } from 'lucide-react';
import { useState } from 'react';
import { changeKey, type Key, keysQuery, revokeKey, rotateKey } from '../../api/server.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Menu, MenuItem, MenuLine } from '../../components/menu.tsx';
import { More } from '../../components/more.tsx';
import { Empty, Failure, Loading } from '../../components/notices.tsx';
import { Age } from '../../components/time.tsx';
import { toast } from '../../components/toasts.tsx';
import { useAction } from '../../components/use-action.ts';
import { useShortcuts } from '../../lib/shortcuts.ts';
import { Page } from '../page.tsx';
import { CreateKeyDialog } from './create.tsx';
import { RotateKeyDialog } from './rotate.tsx';
import { useIssueKey } from './secret.tsx';

type Asked = { readonly kind: 'create' } | { readonly kind: 'revoke' | 'rotate'; readonly key: Key } | null;

const STATUS_COLORS = { active: 'text-completed', disabled: 'text-quiet', expired: 'text-failed' } as const;

export function KeysPage() {
  const client = useQueryClient();
  const list = useInfiniteQuery(keysQuery);
  const { data, error, refetch } = list;
  const [asked, setAsked] = useState<Asked>(null);
  const reload = () => client.invalidateQueries({ queryKey: keysQuery.queryKey });
  /** A dialog that was closed meanwhile is not the one that is open now. */
  const close = (key: Key) => setAsked((now) => (now !== null && 'key' in now && now.key === key ? null : now));
  const revoke = useAction({
    run: (key: Key) => revokeKey(key.id),
    what: 'Revoking',
    onDone: (_, { name }) => toast({ title: `${name} is revoked` }),
    onSettled: (key) => {
      close(key);
      return reload();
    },
  });
  const change = useAction({
    run: (key: Key) => changeKey(key.id, { disabled: !key.disabled }),
    what: 'Changing the key',
    targetOf: ({ id }) => id,
    onDone: ({ name, disabled }) => toast({ title: `${name} is ${disabled ? 'disabled' : 'enabled'}` }),
    onSettled: reload,
  });
  const issueKey = useIssueKey();
  const rotate = useAction({
    run: ({ key, graceSeconds }: { key: Key; graceSeconds: number }) => issueKey(() => rotateKey(key.id, graceSeconds)),
    what: 'Rotating',
    onSettled: ({ key }) => {
      close(key);
      return reload();
    },
  });
  useShortcuts([{ keys: 'a', what: 'Add a key', run: () => setAsked({ kind: 'create' }) }]);
  const keys = data?.pages.flatMap((page) => page.keys) ?? [];
  return (
    <Page
      title="Keys"
      lead="One for each client: it sees the tasks that it began."
      actions={
        <Button look="primary" onClick={() => setAsked({ kind: 'create' })}>
          <Plus className="size-3.5" />
          New key
        </Button>
      }
    >
      {data === undefined && error !== null && (
        <Failure what="Reading the keys" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null && <Loading />}
      {data !== undefined && keys.length === 0 && (
        <Empty title="No keys yet" command="node dist/cli/main.js keys create --name 'my client'">
          Give each client a key of its own: it sees its own tasks only. Make one here, or on the server:
        </Empty>
      )}
      {keys.length > 0 && (
        // What scrolls must be reachable by the keyboard
        <div className="relative overflow-x-auto" role="region" aria-label="Table of the keys" tabIndex={0}>
          <table className="w-full min-w-[44rem] text-left">
            <thead className="text-xs text-quiet">
              <tr className="border-b border-line [&>th]:py-1 [&>th]:pr-4 [&>th]:font-normal">
                <th>Name</th>
                <th>Key</th>
                <th>Scopes</th>
                <th>Agents</th>
                <th>Last used</th>
                <th>Expires</th>
                <th>
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <tr key={key.id} className="border-b border-line hover:bg-hover [&>td]:py-1.5 [&>td]:pr-4">
                  <td className="max-w-56">
                    <span className="block truncate font-medium" title={key.name}>
                      {key.name}
                    </span>
                    <span className={`text-xs ${STATUS_COLORS[key.status]}`}>{key.status}</span>
                  </td>
                  <td className="font-mono text-xs whitespace-nowrap">{key.prefix}…</td>
                  <td>{key.scopes.join(', ')}</td>
                  <td>{key.agents === null ? 'all' : key.agents.join(', ')}</td>
                  <td className="text-quiet">{key.lastUsedAt === null ? 'never' : <Age at={key.lastUsedAt} />}</td>
                  <td className="text-quiet">
                    {key.expiresAt === null ? 'never' : <Age at={key.expiresAt} />}
                    {key.previousKeyExpiresAt !== null && (
                      <span className="block text-xs">
                        previous key: <Age at={key.previousKeyExpiresAt} />
                      </span>
                    )}
                  </td>
                  <td className="sticky right-0 w-7 bg-bg pr-0!">
                    <Menu
                      trigger={
                        <Button look="quiet" aria-label={`Actions for ${key.name}`} className="w-7 px-0!">
                          <Ellipsis className="size-4" />
                        </Button>
                      }
                    >
                      <MenuItem onSelect={() => setAsked({ kind: 'rotate', key })}>Rotate</MenuItem>
                      <MenuItem onSelect={() => change.act(key)}>{key.disabled ? 'Enable' : 'Disable'}</MenuItem>
                      <MenuLine />
                      <MenuItem isDanger onSelect={() => setAsked({ kind: 'revoke', key })}>
                        Revoke
                      </MenuItem>
                    </Menu>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More list={list} what="keys" />
      {asked?.kind === 'create' && <CreateKeyDialog onClose={() => setAsked(null)} />}
      {asked?.kind === 'revoke' && (
        <Confirm
          title={`Revoke “${asked.key.name}”?`}
          consequence="Whoever uses this key is refused from now on, and its sessions end. It cannot be brought back. Its tasks stay."
          action="Revoke the key"
          isBusy={revoke.isPending}
          onConfirm={() => revoke.act(asked.key)}
          onClose={() => setAsked(null)}
        />
      )}
      {asked?.kind === 'rotate' && (
        <RotateKeyDialog
          name={asked.key.name}
          isBusy={rotate.isPending}
          onRotate={(graceSeconds) => rotate.act({ key: asked.key, graceSeconds })}
          onClose={() => setAsked(null)}
        />
      )}
    </Page>
  );
}
