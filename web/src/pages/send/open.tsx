/** Where the send dialog is opened from anywhere. The dialog itself is loaded when it is first needed. */
import { lazy } from 'react';
import type { Part } from '../../../../src/protocol/v1/types.ts';
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

export interface UnsentMessage {
  readonly agentId: string | undefined;
  readonly contextId: string;
  readonly content: MessageContent;
}

/** null: closed. */
export const sendDraft = createStore<SendDraft | null>(null);
/** What was written and not sent, for whoever opens the dialog without a draft. In the memory of this page only. */
export const unsentMessage = createStore<UnsentMessage | null>(null);
export const SendDialog = lazy(async () => ({ default: (await import('./dialog.tsx')).SendDialog }));
