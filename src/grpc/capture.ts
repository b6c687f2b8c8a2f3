/** One gRPC call for the captures that want it: messages are shown as JSON, and say so. */
import type { DescMessage } from '@bufbuild/protobuf';
import type { Metadata } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { Agent } from '../core/agents/registry.ts';
import type { Captures } from '../core/captures/captures.ts';
import type { Headers } from '../core/captures/masking.ts';
import { taskOfBody } from '../core/captures/task-of-frame.ts';
import type { ProtocolVersion } from '../protocol/codec.ts';
import { jsonOf } from '../protocol/protobuf/messages.ts';
import type { Exchange } from './exchange.ts';

interface CapturedCall {
  readonly agent: Agent;
  readonly version: ProtocolVersion;
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly message: Buffer;
}

/** Only to be called while something is captured. What no capture wants is left alone. */
export function captureCall(captures: Captures, exchange: Exchange, call: CapturedCall): void {
  const { agent, version, input, output, message } = call;
  const { ownerId, keyId } = exchange.principal;
  const recording = captures.record({ ownerId, keyId, agentId: agent.id, transport: 'GRPC', version });
  if (recording === null) return;
  const body = decoded(input, message);
  recording.add({
    direction: 'in',
    kind: 'request',
    line: `POST /${exchange.method} HTTP/2`,
    headers: headersOf(exchange.metadata),
    body,
    encodedBytes: message.length,
  });
  // A request of 1.0 names its task as `taskId`, or as `id`, as a JSON-RPC request does in its parameters.
  recording.about(taskOfBody(`{"params":${body}}`));
  exchange.watcher = {
    head: (metadata) =>
      recording.add({ direction: 'out', kind: 'response', line: 'HTTP/2 200', headers: headersOf(metadata) }),
    message: (bytes, seq) => {
      const json = decoded(output, bytes);
      recording.add({ direction: 'out', kind: 'event', body: json, encodedBytes: bytes.length, seq });
      if (!recording.isAboutTask) recording.about(taskOfBody(json));
    },
    status: ({ code, details, metadata }) => {
      const number = code ?? status.UNKNOWN;
      const told =
        details === undefined || details === '' || details === null ? [] : [['grpc-message', details] as const];
      recording.add({
        direction: 'out',
        kind: 'end',
        line: `grpc-status: ${number} ${status[number] ?? ''}`.trimEnd(),
        headers: [...told, ...(metadata === undefined || metadata === null ? [] : headersOf(metadata))],
      });
    },
    closed: () => recording.end(),
  };
}

function decoded(type: DescMessage, bytes: Buffer): string {
  try {
    return JSON.stringify(jsonOf(type, bytes));
  } catch {
    return '';
  }
}

function headersOf(metadata: Metadata): Headers {
  return Object.keys(metadata.getMap()).flatMap((name) =>
    metadata
      .get(name)
      .map((value): [string, string] => [name, Buffer.isBuffer(value) ? value.toString('base64') : value]),
  );
}
