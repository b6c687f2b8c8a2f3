/** The secret of a key, the only time that it is shown. It lives in this dialog and nowhere else. */
import { Copy } from 'lucide-react';
import type { IssuedKey } from '../../api/server.ts';
import { Button } from '../../components/button.tsx';
import { copyText } from '../../components/copy.tsx';
import { Dialog } from '../../components/dialog.tsx';

export function SecretDialog({ issued, onClose }: { issued: IssuedKey; onClose: () => void }) {
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
