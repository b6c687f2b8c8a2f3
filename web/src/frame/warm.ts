/**
 * Loads the parts of the console that are otherwise loaded when they are first needed: by then the network may be gone.
 * One after the other and late, so that what is looked at comes first.
 */
import { router } from '../router.tsx';

const LATER_MS = 2000;
let isDone = false;

/** Once; what could not be loaded is loaded when it is needed. */
export function warm(): void {
  if (isDone) return;
  isDone = true;
  window.setTimeout(() => void loadAll(), LATER_MS);
}

async function loadAll(): Promise<void> {
  const pages = Object.values(router.routesById).map(({ options }) => options.component);
  const parts: (() => Promise<unknown>)[] = [
    ...pages.map((page) => async () => (page !== undefined && 'preload' in page ? page.preload?.() : undefined)),
    () => import('../pages/send/dialog.tsx'),
    () => import('./palette.tsx'),
    () => import('../components/markdown.tsx'),
    () => import('../pages/overview/charts.tsx'),
  ];
  for (const load of parts) {
    // A page that could not be loaded once makes the router load the whole console anew.
    if (!navigator.onLine) return;
    await load().catch(() => undefined);
  }
}
