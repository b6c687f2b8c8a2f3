/** The ids of messages that a person sends. */
import { useState } from 'react';
import { newId } from './ids.ts';

export interface MessageId {
  /** One id for one content, until that is sent. */
  readonly of: (content: string) => string;
  /** The next message is another one, though it may say the same. */
  readonly sent: (content: string) => void;
}

/** Pressed twice, or again after an answer that was lost on its way, it is the same message, which the server takes once. */
export function createMessageId(): MessageId {
  let held: { readonly content: string; readonly id: string } | null = null;
  return {
    of: (content) => {
      if (held?.content !== content) held = { content, id: newId() };
      return held.id;
    },
    sent: (content) => {
      if (held?.content === content) held = null;
    },
  };
}

/** For one place to send from, as long as it is shown. */
export function useMessageId(): MessageId {
  const [messageId] = useState(createMessageId);
  return messageId;
}
