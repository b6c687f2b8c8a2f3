/** What a stream of a task looks like on the wire in a version and binding, made again from its log by the codecs. */
import type { TimedRow } from '../../core/tasks/browser.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import type { TaskHead } from '../../core/tasks/store.ts';
import type { Codec, ProtocolVersion } from '../../protocol/codec.ts';
import { isJsonObject } from '../../protocol/scalars.ts';
import { codecFor } from '../../protocol/version.ts';
import { jsonRpcFraming, restFraming } from '../a2a/framing.ts';
import type { Frame, FramePage } from './task-contract.ts';
import { toTime } from './task-json.ts';

type Binding = FramePage['binding'];

const MASKED_KEY = 'Bearer ***';

/** Each message that came is a request with the head of its answer; each event is one of that answer's frames. */
export function rebuiltFrames(
  head: TaskHead,
  rows: readonly TimedRow[],
  version: ProtocolVersion,
  binding: Binding,
): Frame[] {
  const codec = codecFor(version, binding);
  const address = `/a2a/agents/${head.agentId}`;
  const frames: Frame[] = [];
  /** Clients number their requests as they like; here each has the number of the event that it caused. */
  let requestId = String(head.turnSeq);
  for (const { row, atMs } of rows) {
    const at = atMs === null ? null : toTime(atMs);
    const message = messageOf(row);
    if (message !== null) {
      requestId = String(row.seq);
      frames.push(request(codec, binding, address, message, requestId, at), responseHead(at));
    }
    frames.push({
      seq: row.seq,
      at,
      direction: 'out',
      kind: 'event',
      line: '',
      headers: [],
      body: eventText(codec, binding, row, requestId),
    });
  }
  return frames;
}

/** The message of the user that caused this event, as 1.0 JSON text. */
function messageOf(row: LogRow): string | null {
  if (row.kind !== 'task') return row.userMessage;
  const event: unknown = JSON.parse(row.body);
  const task = isJsonObject(event) ? event['task'] : undefined;
  const history = isJsonObject(task) ? task['history'] : undefined;
  const message: unknown = Array.isArray(history) ? history[0] : undefined;
  if (!isJsonObject(message)) return null;
  // The server made the id of the task: the request had none.
  const { taskId: _made, ...sent } = message;
  return JSON.stringify(sent);
}

function request(
  codec: Codec,
  binding: Binding,
  address: string,
  message: string,
  requestId: string,
  at: string | null,
): Frame {
  const params = `{"message":${codec.encodeMessage(message)}}`;
  const isRpc = binding === 'JSONRPC';
  const path = isRpc ? address : `${address}${streamPath(codec)}`;
  return {
    seq: null,
    at,
    direction: 'in',
    kind: 'request',
    line: `POST ${path} HTTP/1.1`,
    headers: [
      ['content-type', 'application/json'],
      ['accept', 'text/event-stream'],
      ['a2a-version', codec.version],
      ['authorization', MASKED_KEY],
    ],
    body: isRpc
      ? `{"jsonrpc":"2.0","id":${requestId},"method":${JSON.stringify(streamMethod(codec))},"params":${params}}`
      : params,
  };
}

function responseHead(at: string | null): Frame {
  const headers: [string, string][] = [
    ['content-type', 'text/event-stream'],
    ['cache-control', 'no-cache, no-transform'],
  ];
  return { seq: null, at, direction: 'out', kind: 'response', line: 'HTTP/1.1 200 OK', headers, body: '' };
}

function eventText(codec: Codec, binding: Binding, row: LogRow, requestId: string): string {
  const framing = binding === 'JSONRPC' ? jsonRpcFraming(codec, requestId) : restFraming(codec);
  return `id: ${row.seq}\ndata: ${framing.event(row)}\n\n`;
}

function streamMethod(codec: Codec): string {
  return [...codec.methods].find(([, operation]) => operation === 'SendStreamingMessage')?.[0] ?? '';
}

function streamPath(codec: Codec): string {
  return codec.restRoutes.find(({ operation }) => operation === 'SendStreamingMessage')?.path ?? '';
}
