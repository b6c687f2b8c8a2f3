/** The focus, when something that took it closes. */
import { useEffect, useState } from 'react';

/** Of each dialog that is open, the latest last: who had the focus before, and who opened that. */
const openDialogs: (readonly HTMLElement[])[] = [];

/** Whoever had it is gone, and nobody has taken it since. */
export function isFocusFree(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

/**
 * For Radix's `onCloseAutoFocus`, of what opens without a trigger: gives the focus back to who had it before, or else to who
 * opened that, or to the page; with `toPage` to the page at once. Radix calls it a moment after the end, when somebody may be
 * typing elsewhere: there it stays.
 */
export function useFocusReturn(): (event: Event, toPage?: boolean) => void {
  const [before] = useState(openers);
  useEffect(() => {
    openDialogs.push(before);
    return () => void openDialogs.splice(openDialogs.indexOf(before), 1);
  }, [before]);
  return (event, toPage = false) => {
    event.preventDefault();
    const page = document.getElementById('page');
    for (const one of toPage ? [page] : [...before, page]) {
      // Who is gone, or disabled by now, does not take it.
      if (isFocusFree()) one?.focus({ preventScroll: true });
    }
  };
}

/** What has the focus; behind it the button of its menu, or what its dialog was opened from. */
function openers(): HTMLElement[] {
  const now = document.activeElement;
  const menu = now?.closest('[role="menu"]')?.getAttribute('aria-labelledby') ?? '';
  const chain = [now, document.getElementById(menu), ...(openDialogs.at(-1) ?? [])];
  return chain.filter((one): one is HTMLElement => one instanceof HTMLElement && one !== document.body);
}
