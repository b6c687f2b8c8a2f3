/** Who is told of the events of a task: addresses, how they are made and deleted. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { ApiError } from '../../api/client.ts';
import { deliveriesKey } from '../../api/deliveries.ts';
import {
  type CreatePushConfigRequest,
  createPushConfig,
  deletePushConfig,
  type PushConfig,
  pushConfigsQuery,
} from '../../api/push-configs.ts';
import { useMayWrite } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy.tsx';
import { Confirm, Dialog } from '../../components/dialog.tsx';
import { Field, Input } from '../../components/field.tsx';
import { More } from '../../components/more.tsx';
import { explain, Loading } from '../../components/notices.tsx';
import { toast } from '../../components/toasts.tsx';
import { useAction } from '../../components/use-action.ts';
import { shortId } from '../../lib/format.ts';
import { STATES, type TaskState } from '../../lib/states.ts';
import { Section } from '../page.tsx';

export function PushConfigs({ taskId, state }: { taskId: string; state: TaskState }) {
  const client = useQueryClient();
  const list = useInfiniteQuery(pushConfigsQuery(taskId));
  const [isAdding, setAdding] = useState(false);
  const [asked, setAsked] = useState<PushConfig | null>(null);
  const reload = () => client.invalidateQueries({ queryKey: pushConfigsQuery(taskId).queryKey });
  const remove = useAction({
    run: ({ id }: PushConfig) => deletePushConfig(taskId, id),
    what: 'Deleting',
    onDone: () => toast({ title: 'Nothing more is sent there' }),
    onSettled: (config) => {
      setAsked((now) => (now === config ? null : now));
      return Promise.all([reload(), client.invalidateQueries({ queryKey: deliveriesKey })]);
    },
  });
  const configs = list.data?.pages.flatMap((page) => page.configs) ?? [];
  const { isTerminal } = STATES[state];
  const mayWrite = useMayWrite();
  return (
    <Section
      title="Who is told"
      aside={
        !isTerminal &&
        mayWrite && (
          <Button onClick={() => setAdding(true)}>
            <Plus className="size-3.5" />
            Add a receiver
          </Button>
        )
      }
    >
      {list.isPending && <Loading rows={2} />}
      {list.error !== null && (
        <p role="alert" className="text-failed">
          {explain(list.error, 'Reading the receivers').detail}
        </p>
      )}
      {list.data !== undefined && configs.length === 0 && (
        <p className="text-quiet">
          {isTerminal
            ? 'The task has ended: there is nothing more to tell.'
            : 'Nobody. A receiver gets each event of the task from now on, signed, at an address of yours.'}
        </p>
      )}
      {configs.length > 0 && (
        <ul className="border-t border-line">
          {configs.map((config) => (
            <li key={config.id} className="flex flex-wrap items-center gap-x-3 border-b border-line py-1.5">
              <span className="min-w-0 break-all">{config.url ?? config.host}</span>
              {config.scheme !== null && <span className="text-quiet">with {config.scheme} credentials</span>}
              <span className="inline-flex items-center text-quiet" title={config.id}>
                <span className="font-mono text-xs">{shortId(config.id)}</span>
                <CopyButton text={config.id} label="id of the configuration" />
              </span>
              {mayWrite && (
                <Button look="quiet" onClick={() => setAsked(config)} className="ml-auto">
                  Delete
                  <span className="sr-only"> {config.host}</span>
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <More list={list} what="receivers" />
      {isAdding && <AddDialog taskId={taskId} onAdded={() => void reload()} onClose={() => setAdding(false)} />}
      {asked !== null && (
        <Confirm
          title="Delete this receiver?"
          consequence={`${asked.host} is told nothing more of this task. What waits for it and what was given up is thrown away.`}
          action="Delete it"
          isBusy={remove.isPending}
          onConfirm={() => remove.act(asked)}
          onClose={() => setAsked(null)}
        />
      )}
    </Section>
  );
}

function AddDialog(props: { taskId: string; onAdded: () => void; onClose: () => void }) {
  const { taskId, onAdded, onClose } = props;
  const [url, setUrl] = useState('');
  const [token, setToken] = useState('');
  const [scheme, setScheme] = useState('Bearer');
  const [credentials, setCredentials] = useState('');
  const { act, isPending, error } = useAction({
    run: () => {
      const body: CreatePushConfigRequest = {
        url: url.trim(),
        ...(token !== '' && { token }),
        ...(credentials !== '' && { authentication: { scheme: scheme.trim(), credentials } }),
      };
      return createPushConfig(taskId, body);
    },
    onDone: ({ host }, _, isHere) => {
      toast({ title: `${host} is told from now on` });
      onAdded();
      if (isHere) onClose();
    },
  });
  const fields = error instanceof ApiError ? error.fields : new Map<string, string>();
  const told = (field: string) => {
    const problem = fields.get(field);
    return problem === undefined ? undefined : `This ${problem}.`;
  };
  return (
    <Dialog
      title="Add a receiver"
      description="Each event of the task is sent there by POST, until it is taken or given up."
      onClose={onClose}
    >
      <form
        className="grid gap-4 pt-2"
        // What is wrong with a field is told by the server, which knows what it may call.
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          act();
        }}
      >
        <Field label="Address" hint="An https URL that this server may call." problem={told('url')}>
          {(control) => (
            <Input
              {...control}
              type="url"
              autoFocus
              spellCheck={false}
              placeholder="https://receiver.example/hook"
              value={url}
              onChange={(event) => setUrl(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Token"
          hint="Optional. Sent as x-a2a-notification-token; it is not shown again."
          problem={told('token')}
        >
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="off"
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-[7rem_minmax(0,1fr)]">
          <Field label="Scheme" problem={told('authentication.scheme')}>
            {(control) => (
              <Input
                {...control}
                spellCheck={false}
                value={scheme}
                onChange={(event) => setScheme(event.target.value)}
              />
            )}
          </Field>
          <Field
            label="Credentials"
            hint="Optional. Sent in the header Authorization; they are not shown again."
            problem={told('authentication.credentials')}
          >
            {(control) => (
              <Input
                {...control}
                type="password"
                autoComplete="off"
                value={credentials}
                onChange={(event) => setCredentials(event.target.value)}
              />
            )}
          </Field>
        </div>
        {error !== null && fields.size === 0 && (
          <p role="alert" className="text-failed">
            {explain(error, 'Adding the receiver').detail}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" type="submit" disabled={url.trim() === '' || isPending}>
            Add the receiver
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
