/** The time as the views see it: one clock for all, that ticks once a second while the page is seen. */
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let nowMs = Date.now();
let timer = 0;

function tick(): void {
  nowMs = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    nowMs = Date.now();
    timer = window.setInterval(() => !document.hidden && tick(), 1000);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.clearInterval(timer);
  };
}

/** Whatever is derived from the time by `select` changes the component only when the result does. */
export function useNow<T>(select: (nowMs: number) => T): T {
  return useSyncExternalStore(subscribe, () => select(nowMs));
}
