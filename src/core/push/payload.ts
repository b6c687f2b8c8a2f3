/** What a receiver gets: an event in the version of its configuration, and the headers that go with it. */
import { AppError } from '../../protocol/errors.ts';
import { codecFor } from '../../protocol/version.ts';
import { type LogRow, stateOf } from '../tasks/log.ts';
import { snapshotJson } from '../tasks/snapshot.ts';
import type { ReceiverSecret } from './push-config.ts';
import type { ClaimedDelivery, PushStore } from './push-store.ts';

export interface Payload {
  readonly contentType: string;
  readonly body: string;
}

/** Stable over retries, and the same for every receiver of the event. */
export function eventIdOf({ taskId, seq }: { readonly taskId: string; readonly seq: number }): string {
  return `${taskId}.${seq}`;
}

/**
 * 1.0: the StreamResponse of the event (A2A 1.0 section 4.3.3). 0.3: the Task as it was after the event (A2A 0.3.0
 * section 9.5), or the Message of an agent that answered with one.
 */
export async function payloadOf(
  delivery: ClaimedDelivery,
  store: Pick<PushStore, 'readTaskUpTo'>,
): Promise<Payload | null> {
  const { version, body, taskId, seq } = delivery;
  if (body === null) return null;
  if (version === '1.0') return { contentType: 'application/a2a+json', body };
  const codec = codecFor('0.3', 'JSONRPC');
  const { contextId, rows } = await store.readTaskUpTo(taskId, seq);
  const task = taskJsonOf(taskId, contextId, rows);
  return { contentType: 'application/json', body: task === null ? codec.encodeEvent(body) : codec.encodeTask(task) };
}

/** The Task as its events make it; null where they are no task's. */
function taskJsonOf(taskId: string, contextId: string, rows: readonly LogRow[]): string | null {
  const last = rows.findLast((row) => row.kind === 'status' || row.kind === 'task');
  const state = last === undefined ? undefined : stateOf(last);
  if (last === undefined || state === undefined) return null;
  const head = {
    id: taskId,
    contextId,
    state,
    status: statusOf(last),
    statusAtMs: 0,
    seq: rows.at(-1)?.seq ?? 0,
    firstSeq: 1,
    listed: true,
  };
  return snapshotJson(
    head,
    rows.filter((row) => row.content !== 'none'),
    { historyLength: undefined, artifacts: true },
  );
}

/** Parley's own text, in which the status is the same at both places. */
function statusOf(row: LogRow): string {
  const event = JSON.parse(row.body) as {
    readonly task?: { status: object };
    readonly statusUpdate?: { status: object };
  };
  return JSON.stringify((event.task ?? event.statusUpdate)?.status);
}

/** The token and the declared credentials (section 4.3.2). */
export function credentialHeaders({ token, authentication }: ReceiverSecret): Record<string, string> {
  return {
    ...(token === undefined ? {} : { 'x-a2a-notification-token': token }),
    ...(authentication?.credentials === undefined
      ? {}
      : authenticationHeader(authentication.scheme, authentication.credentials)),
  };
}

/** Schemes are compared without case (RFC 9110 section 11.1). Basic takes `user:password` too, which it encodes. */
function authenticationHeader(scheme: string, credentials: string): Record<string, string> {
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { authorization: `Bearer ${credentials}` };
    case 'basic':
      return {
        authorization: `Basic ${credentials.includes(':') ? Buffer.from(credentials).toString('base64') : credentials}`,
      };
    case 'apikey':
    case 'api-key':
    case 'api_key':
      return { 'x-api-key': credentials };
    default:
      return { authorization: `${scheme} ${credentials}` };
  }
}

/** Parley's own text, as it was sealed. */
export function readSecret(json: string): ReceiverSecret {
  const secret: unknown = JSON.parse(json);
  if (typeof secret !== 'object' || secret === null || !('url' in secret)) {
    throw new AppError('DECRYPTION_FAILED', 'A stored secret cannot be opened', { detail: 'it holds no receiver' });
  }
  return secret as ReceiverSecret;
}
