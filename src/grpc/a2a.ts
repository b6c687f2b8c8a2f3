/** The methods of both versions' A2AService: from an encoded request to an operation, and back. */
import type { DescMessage, DescMethod } from '@bufbuild/protobuf';
import type { ServerWritableStream, UntypedHandleCall } from '@grpc/grpc-js';
import { answer, isStreaming, stream } from '../core/operations/dispatch.ts';
import { oncePerEvent } from '../core/tasks/translations.ts';
import type { Operation } from '../protocol/codec.ts';
import { AppError } from '../protocol/errors.ts';
import type { GrpcService } from '../protocol/grpc.ts';
import type { JsonValue } from '../protocol/json.ts';
import { bytesOf, jsonOf, RECURSION_LIMIT, registry } from '../protocol/protobuf/messages.ts';
import { holdsMoreThan } from '../protocol/protobuf/size.ts';
import { grpcV03 } from '../protocol/v0_3/grpc.ts';
import { grpcV1 } from '../protocol/v1/grpc.ts';
import { agentOf, checkVersion, GrpcCall } from './call.ts';
import { captureCall } from './capture.ts';
import { Exchange } from './exchange.ts';
import type { GrpcOptions } from './options.ts';
import { createGrpcStream, type EventEncoder } from './stream.ts';

export const A2A_SERVICES: readonly GrpcService[] = [grpcV1, grpcV03];

export interface ServedMethod {
  /** `/lf.a2a.v1.A2AService/GetTask`. */
  readonly path: string;
  readonly operation: Operation;
  readonly handler: UntypedHandleCall;
}

export function a2aMethods(options: GrpcOptions): ServedMethod[] {
  return A2A_SERVICES.flatMap((service) => serviceMethods(service, options));
}

function described(service: GrpcService, name: string): DescMethod {
  const method = registry.getService(service.name)?.methods.find((candidate) => candidate.name === name);
  if (method !== undefined) return method;
  throw new AppError('INTERNAL', 'Internal error', { detail: `${service.name} has no method ${name}` });
}

/** Texts of ours, so their shape is known. */
function encoded(type: DescMessage, json: string): Buffer {
  return Buffer.from(bytesOf(type, JSON.parse(json) as JsonValue));
}

/** One for all methods that stream: an event is encoded once per version, whoever follows it. */
function eventEncoder(service: GrpcService): EventEncoder {
  const { codec } = service;
  const { output } = described(service, 'SendStreamingMessage');
  return {
    event: oncePerEvent((json) => encoded(output, codec.encodeEvent(json))),
    task: (taskJson) => encoded(output, codec.encodeEvent(`{"task":${taskJson}}`)),
  };
}

/** As for a body of JSON: what is made to hold up the server is refused before it is decoded. */
function checkSize({ limits, metrics }: GrpcOptions, type: DescMessage, message: Buffer): void {
  const { maxJsonValues } = limits;
  if (!holdsMoreThan(type, message, maxJsonValues, RECURSION_LIMIT)) return;
  metrics.limitReached('server.maxJsonValues');
  const told = `The message holds more values than server.maxJsonValues allows (${maxJsonValues}); send large data as a file`;
  throw new AppError('PAYLOAD_TOO_LARGE', told, { metadata: { limit: 'server.maxJsonValues' } });
}

function serviceMethods(service: GrpcService, options: GrpcOptions): ServedMethod[] {
  const { codec } = service;
  const encoder = eventEncoder(service);
  return service.methods.map(({ name, operation }) => {
    const { input, output } = described(service, name);
    const encode = (json: string): Buffer => encoded(output, json);

    /** The steps: version, parameters, agent, operation. Whoever gets here is authenticated. */
    const handle = async (exchange: Exchange, message: Buffer): Promise<void> => {
      const { operations, agents, streams, captures } = options;
      checkVersion(exchange, service);
      checkSize(options, input, message);
      const decoded = service.decode(operation, jsonOf(input, message));
      const agent = agentOf(exchange, decoded, agents);
      if (captures.isActive) captureCall(captures, exchange, { agent, version: codec.version, input, output, message });
      const call = new GrpcCall(exchange, agent, codec.version);
      if (!isStreaming(operation)) {
        exchange.reply(encode(await answer(operations, codec, call, decoded)));
        return;
      }
      const sink = createGrpcStream(streams, exchange, encoder);
      const source = await stream(operations, call, decoded, sink);
      if (source === 'empty') exchange.end();
      else sink.bind(source, call.lastEventId);
    };
    const handler = ({ metadata, request }: ServerWritableStream<Buffer, Buffer>): void => {
      const exchange = Exchange.of(metadata);
      handle(exchange, request).catch((error: unknown) => exchange.fail(error));
    };
    return { path: `/${service.name}/${name}`, operation, handler };
  });
}
