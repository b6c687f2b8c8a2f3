/** Whether the page is hidden: nobody looks, and nothing need be asked for. */
import { useSyncExternalStore } from 'react';

function subscribe(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}

export function useHidden(): boolean {
  return useSyncExternalStore(subscribe, () => document.hidden);
}
