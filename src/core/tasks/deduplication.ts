/** When a repeated send joins the first one (A2A 1.0 section 3.3.1; Idempotency-Key as an addition of this server). */
import { hash } from 'node:crypto';
import type { Message } from '../../protocol/v1/types.ts';
import type { Deduplication, TaskScope } from './store.ts';

export interface DeduplicationWindows {
  /** How long an Idempotency-Key is remembered. */
  readonly keyTtlMs: number;
  /** How long a message id is. */
  readonly messageIdWindowMs: number;
}

/**
 * With an `Idempotency-Key` that key counts, per owner and agent, and another body under it is refused; without one the
 * whole message does, with its id, context and task. Hashed is the decoded message, so that a retry over another transport
 * joins too.
 *
 * @param messageJson the decoded message as JSON text in the decoder's order of fields.
 */
export function deduplicationOf(
  scope: TaskScope,
  message: Message,
  messageJson: string,
  idempotencyKey: string | undefined,
  nowMs: number,
  windows: DeduplicationWindows,
): Deduplication | null {
  const isKeyed = idempotencyKey !== undefined;
  const ttlMs = isKeyed ? windows.keyTtlMs : windows.messageIdWindowMs;
  if (ttlMs === 0) return null;
  const body = hasFreeJson(message) ? canonicalJson(message) : messageJson;
  const whose = `${scope.ownerId}\n${scope.agentId}`;
  const expiresAtMs = nowMs + ttlMs;
  if (isKeyed) return { key: digest(`${whose}\nkey\n${idempotencyKey}`), bodyHash: digest(body), expiresAtMs, nowMs };
  // The body holds the message id, the context and the task: with another body it is simply another message.
  return { key: digest(`${whose}\nmessage\n${body}`), bodyHash: '', expiresAtMs, nowMs };
}

/** 128 bits of SHA-256 are enough to tell messages apart, and every row of the table has one or two of them. */
function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22);
}

/** Whether the message holds objects whose order of keys is the client's, which a transport may change. */
function hasFreeJson(message: Message): boolean {
  return (
    message.metadata !== undefined ||
    message.parts.some((part) => part.data !== undefined || part.metadata !== undefined)
  );
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) => {
    if (typeof nested !== 'object' || nested === null || Array.isArray(nested)) return nested;
    return Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
