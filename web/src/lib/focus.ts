/** The focus, when something that took it closes. */
import { useState } from 'react';

/** Whoever had it is gone, and nobody has taken it since. */
export function isFocusFree(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

/**
 * For Radix's `onCloseAutoFocus`, of what opens without a trigger: gives the focus back to who had it before. Radix calls that
 * a moment after the end, when somebody may be typing elsewhere: there it stays.
 */
export function useFocusReturn(): (event: Event) => void {
  const [before] = useState(() => document.activeElement);
  return (event) => {
    event.preventDefault();
    if (before instanceof HTMLElement && isFocusFree()) before.focus();
  };
}
