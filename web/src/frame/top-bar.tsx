/** The top bar: where am I, find, is it live, theme, who. */
import { useQueryClient } from '@tanstack/react-query';
import { Link, useMatches, useNavigate } from '@tanstack/react-router';
import { Keyboard, LogOut, Monitor, Moon, Search, Send, Sun, UserRound } from 'lucide-react';
import { sessionQuery, signOut, useMayWrite, usePrincipal } from '../api/session.ts';
import { Button, IconButton } from '../components/button.tsx';
import { Keys } from '../components/keys.tsx';
import { Menu, MenuChoices, MenuItem, MenuLabel, MenuLine } from '../components/menu.tsx';
import { explain } from '../components/notices.tsx';
import { toast } from '../components/toasts.tsx';
import { shortId } from '../lib/format.ts';
import { theme, zone } from '../lib/preferences.ts';
import { useStore } from '../lib/store.ts';
import { sendDraft } from '../pages/send/open.tsx';
import { LiveBadge } from './live-badge.tsx';
import { PLACES } from './navigation.ts';

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

export function TopBar({ onFind, onHelp }: { onFind: () => void; onHelp: () => void }) {
  const ThemeIcon = THEME_ICONS[useStore(theme)];
  const mayWrite = useMayWrite();
  return (
    <header className="flex h-11 shrink-0 items-center gap-1.5 border-b border-line px-3 md:px-4">
      <Crumbs />
      <button
        type="button"
        onClick={onFind}
        className="ml-auto flex h-7 items-center gap-2 rounded-md border border-line px-2 text-quiet hover:bg-hover md:w-64"
      >
        <Search className="size-3.5" />
        <span className="sr-only flex-1 text-left md:not-sr-only">Search or command</span>
        <span aria-hidden="true" className="hidden md:inline">
          <Keys keys="mod+k" />
        </span>
      </button>
      {mayWrite && (
        <IconButton label="Send a message" keys="n" onClick={() => sendDraft.set({})}>
          <Send className="size-4" />
        </IconButton>
      )}
      <LiveBadge />
      <Menu
        trigger={
          <Button look="quiet" aria-label="Theme and time" className="w-7 px-0!">
            <ThemeIcon className="size-4" />
          </Button>
        }
      >
        <Preferences />
      </Menu>
      <Who onHelp={onHelp} />
    </header>
  );
}

function Preferences() {
  return (
    <>
      <MenuLabel>Theme</MenuLabel>
      <MenuChoices
        value={useStore(theme)}
        choices={[
          ['system', 'As the system'],
          ['light', 'Light'],
          ['dark', 'Dark'],
        ]}
        onChange={theme.set}
      />
      <MenuLine />
      <MenuLabel>Exact times</MenuLabel>
      <MenuChoices
        value={useStore(zone)}
        choices={[
          ['local', 'Local time'],
          ['utc', 'UTC'],
        ]}
        onChange={zone.set}
      />
    </>
  );
}

/** The place, and the one thing in it that is looked at. The page's own heading is in the page. */
function Crumbs() {
  const last = useMatches().at(-1);
  if (last === undefined) return null;
  const place = PLACES.find(({ to }) => (to === '/' ? last.fullPath === '/' : last.fullPath.startsWith(to)));
  if (place === undefined) return <span className="font-semibold">Not found</span>;
  const [id] = Object.values(last.params);
  return (
    <div className="flex min-w-0 items-center gap-1.5">
      {id === undefined ? (
        <span className="truncate font-semibold">{place.name}</span>
      ) : (
        <>
          <Link to={place.to} search={true} className="text-quiet hover:text-ink">
            {place.name}
          </Link>
          <span aria-hidden="true" className="text-quiet">
            /
          </span>
          <span className="truncate font-mono text-xs">{shortId(String(id))}</span>
        </>
      )}
    </div>
  );
}

function Who({ onHelp }: { onHelp: () => void }) {
  const principal = usePrincipal();
  const client = useQueryClient();
  const navigate = useNavigate();
  const hasSession = Boolean(client.getQueryData(sessionQuery.queryKey)?.session);
  const leave = async () => {
    try {
      await signOut(client);
      await navigate({ to: '/' });
    } catch (error) {
      const { title, detail } = explain(error, 'Signing out');
      toast({ title, detail, isBad: true });
    }
  };
  if (principal === null) return null;
  return (
    <Menu
      trigger={
        <Button look="quiet" aria-label={`Signed in as ${principal.name}`} className="max-w-40 px-1.5!">
          <UserRound className="size-4 shrink-0" />
          <span className="hidden truncate lg:inline">{principal.name}</span>
        </Button>
      }
    >
      <MenuLabel>
        {principal.name} ({principal.kind === 'key' ? `key, ${principal.scopes.join(', ')}` : principal.kind})
      </MenuLabel>
      <MenuItem onSelect={onHelp}>
        <Keyboard className="size-3.5" /> Keys of the keyboard
      </MenuItem>
      {hasSession && (
        <>
          <MenuItem onSelect={() => void navigate({ to: '/settings', search: { tab: 'sessions' } })}>
            <Monitor className="size-3.5" /> Sessions
          </MenuItem>
          <MenuLine />
          <MenuItem onSelect={() => void leave()}>
            <LogOut className="size-3.5" /> Sign out
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
