/** Makes a key: a name, what it may do, for which agents, until when. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../../api/client.ts';
import { agentsQuery, type CreateKeyRequest, createKey, keysQuery } from '../../api/server.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input, Select } from '../../components/field.tsx';
import { explain } from '../../components/notices.tsx';
import { useAction } from '../../components/use-action.ts';
import { useIssueKey } from './secret.tsx';

const SCOPES = [
  ['tasks:read', 'see tasks'],
  ['tasks:write', 'send messages, cancel'],
  ['admin', 'everything, this console included'],
] as const;
type Scope = (typeof SCOPES)[number][0];
const EXPIRIES = [
  ['', 'Never'],
  ['1', 'In a day'],
  ['7', 'In a week'],
  ['30', 'In 30 days'],
  ['90', 'In 90 days'],
  ['365', 'In a year'],
] as const;
const DAY_MS = 86_400_000;

export function CreateKeyDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const { data } = useQuery(agentsQuery);
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>(['tasks:read', 'tasks:write']);
  const [agents, setAgents] = useState<readonly string[] | null>(null);
  const [days, setDays] = useState('');
  const issueKey = useIssueKey();
  const { act, isPending, error } = useAction({
    run: () => {
      const body: CreateKeyRequest = {
        name: name.trim(),
        scopes: [...scopes],
        agents: agents === null ? null : [...agents],
      };
      const expiresAt = days === '' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
      return issueKey(() => createKey({ ...body, expiresAt }));
    },
    onDone: (_output, _input, isHere) => isHere && onClose(),
    onSettled: () => client.invalidateQueries({ queryKey: keysQuery.queryKey }),
  });
  const nameProblem = error instanceof ApiError ? error.fields.get('name') : undefined;
  const isReady = name.trim() !== '' && scopes.length > 0 && agents?.length !== 0;
  return (
    <Dialog
      title="New key"
      description="A key is a principal of its own: it sees the tasks that it began."
      onClose={onClose}
    >
      <form
        className="grid gap-4 pt-2"
        onSubmit={(event) => {
          event.preventDefault();
          act();
        }}
      >
        <Field label="Name" hint="For people: what the key is for." problem={nameProblem}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              required
              maxLength={200}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <fieldset className="grid gap-1">
          <legend className="mb-1 font-medium">It may</legend>
          {SCOPES.map(([scope, meaning]) => (
            <Tick
              key={scope}
              isOn={scopes.includes(scope)}
              onChange={(isOn) => setScopes(isOn ? [...scopes, scope] : scopes.filter((one) => one !== scope))}
            >
              <code className="font-mono text-xs">{scope}</code> <span className="text-quiet">{meaning}</span>
            </Tick>
          ))}
        </fieldset>
        <fieldset className="grid gap-1">
          <legend className="mb-1 font-medium">With</legend>
          <Tick isOn={agents === null} onChange={(isOn) => setAgents(isOn ? null : [])}>
            all agents, also later ones
          </Tick>
          {agents !== null &&
            data?.agents.map(({ id }) => (
              <Tick
                key={id}
                isOn={agents.includes(id)}
                onChange={(isOn) => setAgents(isOn ? [...agents, id] : agents.filter((one) => one !== id))}
              >
                {id}
              </Tick>
            ))}
        </fieldset>
        <Field label="Expires">
          {(control) => (
            <Select {...control} value={days} onChange={(event) => setDays(event.target.value)} className="w-40!">
              {EXPIRIES.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {error !== null && nameProblem === undefined && (
          <p role="alert" className="text-failed">
            {explain(error, 'Making the key').detail}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" type="submit" disabled={!isReady || isPending}>
            Create the key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Tick(props: { isOn: boolean; onChange: (isOn: boolean) => void; children: React.ReactNode }) {
  return (
    <label className="flex min-h-6 w-fit cursor-pointer items-center gap-2">
      <input
        type="checkbox"
        checked={props.isOn}
        onChange={(event) => props.onChange(event.target.checked)}
        className="size-3.5 accent-fill"
      />
      <span>{props.children}</span>
    </label>
  );
}
