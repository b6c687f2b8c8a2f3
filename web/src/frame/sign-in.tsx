/** Sign-in: a key is exchanged for a session. The address stays, so that a link that was sent leads where it should. */
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../api/client.ts';
import { signIn } from '../api/session.ts';
import { Button } from '../components/button.tsx';
import { Field, Input } from '../components/field.tsx';
import { explain } from '../components/notices.tsx';
import { useAction } from '../components/use-action.ts';
import mark from '../mark.svg';

export function SignIn() {
  const client = useQueryClient();
  const [key, setKey] = useState('');
  const { act, isPending, error } = useAction({ run: () => signIn(client, { key: key.trim() }) });
  const problem = error === null ? null : problemOf(error);
  return (
    <div className="mx-auto flex min-h-full w-full max-w-88 flex-col justify-center px-4 py-12">
      <img src={mark} alt="" className="mb-5 size-9" />
      <h1 className="text-lg font-semibold">Sign in to Parley</h1>
      <p className="mt-1 mb-6 text-quiet">
        With the admin key, or with an API key: it sees what it owns. The key is exchanged for a session and is not kept
        in this browser.
      </p>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          act();
        }}
      >
        <Field label="Key" problem={problem}>
          {(control) => (
            <Input
              {...control}
              type="password"
              name="key"
              autoComplete="current-password"
              autoFocus
              spellCheck={false}
              required
              value={key}
              onChange={(event) => setKey(event.target.value)}
              className="h-9! font-mono text-xs"
            />
          )}
        </Field>
        <Button look="primary" type="submit" disabled={isPending || key.trim() === ''} className="h-9!">
          {isPending ? 'Signing in' : 'Sign in'}
        </Button>
      </form>
      <p className="mt-6 text-xs text-quiet">
        The first start of the server makes an admin key: it is shown once on the terminal and kept in{' '}
        <code className="font-mono">data/admin-key</code>.
      </p>
    </div>
  );
}

function problemOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return 'No such key, or it is disabled or expired.';
  return explain(error, 'Sign-in').detail;
}
