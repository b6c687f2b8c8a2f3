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

/** null: closed. */
export const sendDraft = createStore<SendDraft | null>(null);
export const SendDialog = lazy(async () => ({ default: (await import('./dialog.tsx')).SendDialog }));
