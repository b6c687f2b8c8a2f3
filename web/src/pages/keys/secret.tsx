/** The secret of a key, the only time that it is shown. It lives until the dialog is closed, and nowhere else. */
import { useQueryClient } from '@tanstack/react-query';
import { Copy } from 'lucide-react';
import type { IssuedKey } from '../../api/server.ts';
import { sessionQuery } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { copyText } from '../../components/copy.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { createStore, useStore } from '../../lib/store.ts';

/** Shown wherever one is by then: who has gone to another page would lose it. */
export const issuedKey = createStore<IssuedKey | null>(null);

/** Shows the key that `issue` makes, unless whoever asked for it has signed out meanwhile: the next person is another. */
export function useIssueKey(): (issue: () => Promise<IssuedKey>) => Promise<void> {
  const client = useQueryClient();
  const sessionId = () => client.getQueryData(sessionQuery.queryKey)?.session?.id;
  return async (issue) => {
    const before = sessionId();
    const key = await issue();
    if (sessionId() === before) issuedKey.set(key);
  };
}

export function SecretDialog() {
  const issued = useStore(issuedKey);
  if (issued === null) return null;
  const onClose = () => issuedKey.set(null);
  return (
    <Dialog
      title={`The key of “${issued.name}”`}
      description="Copy it now: it is shown this once, and the server keeps only its hash."
      onClose={onClose}
    >
      <div className="grid gap-4 pt-2">
        <code className="block rounded-md border border-line bg-sunk p-3 font-mono text-xs break-all select-all">
          {issued.key}
        </code>
        <div className="flex justify-end gap-2">
          <Button look="primary" autoFocus onClick={() => void copyText(issued.key, 'Key')}>
            <Copy className="size-3.5" />
            Copy
          </Button>
          <Button onClick={onClose}>I have it</Button>
        </div>
      </div>
    </Dialog>
  );
}
