/** What is made of an event for a protocol version or an encoding: once, whoever follows it. */
import type { LogRow } from './log.ts';

/** `translate` of the text of an event, remembered with the event for its other readers. */
export function oncePerEvent<T>(translate: (streamResponseJson: string) => T): (row: LogRow) => T {
  const made = new WeakMap<LogRow, { readonly value: T }>();
  return (row) => {
    const known = made.get(row);
    if (known !== undefined) return known.value;
    const value = translate(row.body);
    made.set(row, { value });
    return value;
  };
}
