/** What a person chose for this browser: theme, local time or UTC. Nothing secret: it lies in localStorage. */
import { createStore, type Store } from './store.ts';

const THEMES = ['system', 'light', 'dark'] as const;
const ZONES = ['local', 'utc'] as const;

function preference<T extends string>(name: string, values: readonly T[], fallback: T): Store<T> {
  const stored = localStorage.getItem(name);
  const store = createStore<T>(values.find((value) => value === stored) ?? fallback);
  store.subscribe(() => localStorage.setItem(name, store.get()));
  return store;
}

export const theme = preference('parley.theme', THEMES, 'system');
export const zone = preference('parley.zone', ZONES, 'local');

/** Puts the theme on the document, now and at each change. */
export function applyTheme(): void {
  const apply = () => {
    document.documentElement.dataset['theme'] = theme.get();
  };
  apply();
  theme.subscribe(apply);
}

export function isDark(): boolean {
  const chosen = theme.get();
  return chosen === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
}
