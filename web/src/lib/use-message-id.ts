/** The ids of messages that a person sends. */
import { useMemo, useRef } from 'react';
import { newId } from './ids.ts';

/**
 * One id for one content, until it is sent: pressed twice, or again after an answer that was lost on its way, it is the same
 * message, which the server takes once.
 */
export function useMessageId() {
  const held = useRef<{ readonly content: string; readonly id: string } | null>(null);
  return useMemo(
    () => ({
      of: (content: string): string => {
        if (held.current?.content !== content) held.current = { content, id: newId() };
        return held.current.id;
      },
      /** The next message is another one, though it may say the same. */
      sent: (): void => {
        held.current = null;
      },
    }),
    [],
  );
}
