/** Keys that act on the page: single letters and sequences such as `g t`. Views add theirs while they are shown. */
import { useEffect, useRef } from 'react';

export interface Shortcut {
  /** As KeyboardEvent.key says it, with spaces between the keys of a sequence; `mod+k`: Ctrl or Cmd. */
  readonly keys: string;
  readonly what: string;
  readonly run: () => void;
  /** Acts also while a field has the focus. */
  readonly inFields?: boolean;
}

/** Within this time the second key of a sequence must come. */
const SEQUENCE_MS = 1200;
const active: (readonly Shortcut[])[] = [];
let pending = '';
let pendingUntil = 0;

/** Everything that acts now; the latest view first. */
export function activeShortcuts(): readonly Shortcut[] {
  return active.toReversed().flat();
}

export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  const names = shortcuts.map(({ keys }) => keys).join('\n');
  useEffect(() => {
    // The list that is registered stays; what its entries do is that of the latest render.
    const registered = latest.current.map((shortcut, index) => ({
      ...shortcut,
      run: () => latest.current[index]?.run(),
    }));
    active.push(registered);
    return () => void active.splice(active.indexOf(registered), 1);
    // Other keys, other registration
  }, [names]);
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const isModified = event.ctrlKey || event.metaKey;
  if (event.altKey) return;
  const key = `${isModified ? 'mod+' : ''}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
  const isOpenDialog = document.querySelector('[role="dialog"],[role="menu"]') !== null;
  const all = activeShortcuts().filter(
    ({ inFields }) => inFields === true || !(isOpenDialog || (isField(event.target) && key !== 'Escape')),
  );
  const now = event.timeStamp;
  const typed = now < pendingUntil ? `${pending} ${key}` : key;
  const match = all.find(({ keys }) => keys === typed) ?? all.find(({ keys }) => keys === key);
  pending = '';
  pendingUntil = 0;
  if (match !== undefined) {
    // Buttons and links under the focus have their own Enter.
    if (key === 'Enter' && event.target instanceof Element && event.target.closest('button,a,summary,input') !== null)
      return;
    event.preventDefault();
    match.run();
  } else if (all.some(({ keys }) => keys.startsWith(`${key} `))) {
    pending = key;
    pendingUntil = now + SEQUENCE_MS;
  }
}

export function listenForShortcuts(): void {
  document.addEventListener('keydown', onKey);
}
