/** How stream events look in each version and binding. An event is translated once per version, whoever follows it. */
import type { LogRow } from '../../core/tasks/log.ts';
import { oncePerEvent } from '../../core/tasks/translations.ts';
import type { Codec } from '../../protocol/codec.ts';
import { rpcResult } from '../../protocol/json-rpc.ts';
import type { Framing } from './sse.ts';

const encoders = new Map<Codec, (row: LogRow) => string>();

/** 1.0 is what is stored; other versions are made from it. */
function encodeRow(codec: Codec, row: LogRow): string {
  if (codec.version === '1.0') return row.body;
  let encode = encoders.get(codec);
  if (encode === undefined) encoders.set(codec, (encode = oncePerEvent((json) => codec.encodeEvent(json))));
  return encode(row);
}

export function restFraming(codec: Codec): Framing {
  return {
    event: (row) => encodeRow(codec, row),
    task: (taskJson) => codec.encodeEvent(`{"task":${taskJson}}`),
  };
}

/** Each event is a JSON-RPC answer to the request with this id (A2A 1.0 section 9.4.2). */
export function jsonRpcFraming(codec: Codec, idJson: string): Framing {
  const rest = restFraming(codec);
  return {
    event: (row) => rpcResult(idJson, rest.event(row)),
    task: (taskJson) => rpcResult(idJson, rest.task(taskJson)),
  };
}
