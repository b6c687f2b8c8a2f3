/** Where the send dialog is opened from anywhere. The dialog itself is loaded when it is first needed. */
import { lazy } from 'react';
import type { Part } from '../../../../src/protocol/v1/types.ts';
import { createMessageId } from '../../lib/message-id.ts';
import { createStore } from '../../lib/store.ts';

/** What the dialog begins with. */
export interface SendDraft {
  readonly agentId?: string;
  readonly contextId?: string;
  readonly parts?: readonly Part[];
}

/** Parts as the form holds them. */
export interface MessageContent {
  readonly text: string;
  readonly json: string;
  readonly files: readonly Part[];
}

/** A message as it is written. */
export interface WrittenMessage {
  readonly agentId: string | undefined;
  readonly contextId: string;
  readonly content: MessageContent;
}

/** null: closed. */
export const sendDraft = createStore<SendDraft | null>(null);
/** What was written without a draft, and not sent: the dialog begins with it the next time. In the memory of this page only. */
export const unsentMessage = createStore<WrittenMessage | null>(null);
/** Of all dialogs: one that was closed while it sent may be opened again with the same message. */
export const sentMessageId = createMessageId();
export const SendDialog = lazy(async () => ({ default: (await import('./dialog.tsx')).SendDialog }));
