/** Every key that acts now. */
import { Dialog } from '../components/dialog.tsx';
import { Keys } from '../components/keys.tsx';
import { activeShortcuts } from '../lib/shortcuts.ts';

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} className="max-w-md">
      <dl>
        {activeShortcuts().map(({ keys, what }) => (
          <div key={keys} className="flex items-center justify-between gap-4 border-b border-line py-1.5 last:border-0">
            <dt>{what}</dt>
            <dd>
              <Keys keys={keys} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
