/** The frame: rail, top bar, the page between them; on a small screen the rail is at the bottom. */
import { Link, useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { useMayWrite, usePrincipal } from '../api/session.ts';
import { Hint } from '../components/hint.tsx';
import { useShortcuts } from '../lib/shortcuts.ts';
import { useStore } from '../lib/store.ts';
import mark from '../mark.svg';
import { issuedKey, SecretDialog } from '../pages/keys/secret.tsx';
import { SendDialog, sendDraft, unsentMessage } from '../pages/send/open.tsx';
import { PLACES } from './navigation.ts';
import { OfflineBar } from './offline.tsx';
import { ShortcutHelp } from './shortcut-help.tsx';
import { TopBar } from './top-bar.tsx';

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));

export function Frame({ children }: { children: ReactNode }) {
  const navigate = useNavigate();
  const principal = usePrincipal();
  const mayWrite = useMayWrite();
  const draft = useStore(sendDraft);
  const [open, setOpen] = useState<'palette' | 'help' | null>(null);
  useEffect(
    () => () => {
      sendDraft.set(null);
      unsentMessage.set(null);
      issuedKey.set(null);
    },
    [],
  );
  const places = PLACES.filter(({ isForAdmin }) => !isForAdmin || principal?.isAdmin === true);
  useShortcuts([
    { keys: 'mod+k', what: 'Search or run a command', run: () => setOpen('palette'), inFields: true },
    { keys: '?', what: 'Show the keys', run: () => setOpen('help') },
    ...(mayWrite ? [{ keys: 'n', what: 'Send a message', run: () => sendDraft.set({}) }] : []),
    ...places.map(({ letter, name, to }) => ({
      keys: `g ${letter}`,
      what: `Go to ${name}`,
      run: () => void navigate({ to }),
    })),
  ]);
  return (
    <div className="flex h-full flex-col md:flex-row">
      <a
        href="#page"
        className="sr-only rounded-md bg-fill px-3 py-1.5 text-on-fill focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-60"
      >
        Skip to the page
      </a>
      <nav
        aria-label="Places"
        className="order-last flex shrink-0 border-t border-line bg-sunk md:order-first md:w-12 md:flex-col md:gap-0.5 md:border-t-0 md:border-r md:p-1.5 xl:w-44 xl:p-2"
      >
        <Link to="/" className="mb-2 hidden h-8 items-center gap-2 px-1.5 text-sm font-semibold md:flex xl:px-2">
          <img src={mark} alt="Parley" className="size-5 xl:hidden" />
          <img src={mark} alt="" className="hidden size-5 xl:block" />
          <span className="hidden xl:inline">Parley</span>
        </Link>
        {places.map(({ to, name, letter, icon: Icon }) => (
          <Hint key={to} text={name} keys={`g ${letter}`}>
            <Link
              to={to}
              activeOptions={{ exact: to === '/', includeSearch: false }}
              activeProps={{ className: 'bg-selected text-ink!' }}
              className="flex min-w-0 flex-1 flex-col items-center gap-0.5 rounded-md py-1.5 text-2xs text-quiet hover:bg-hover hover:text-ink md:h-8 md:flex-none md:flex-row md:justify-center md:py-0 md:text-sm xl:justify-start xl:gap-2.5 xl:px-2"
            >
              <Icon aria-hidden="true" className="size-4 shrink-0" strokeWidth={1.75} />
              <span className="truncate md:sr-only xl:not-sr-only">{name}</span>
            </Link>
          </Hint>
        ))}
      </nav>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <TopBar onFind={() => setOpen('palette')} onHelp={() => setOpen('help')} />
        <OfflineBar />
        <main id="page" tabIndex={-1} className="flex min-h-0 flex-1 flex-col outline-none">
          {children}
        </main>
      </div>
      <SecretDialog />
      {open === 'help' && <ShortcutHelp onClose={() => setOpen(null)} />}
      <Suspense>
        {open === 'palette' && <Palette places={places} onClose={() => setOpen(null)} />}
        {draft !== null && <SendDialog draft={draft} onClose={() => sendDraft.set(null)} />}
      </Suspense>
    </div>
  );
}
