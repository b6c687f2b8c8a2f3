/** A gRPC client that sends and reads ProtoJSON, and shows all that comes back: messages, metadata, trailers, details. */

import { readFileSync } from 'node:fs';
import type { DescMethod } from '@bufbuild/protobuf';
import { type ChannelOptions, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { Operation } from '../../src/protocol/codec.ts';
import type { JsonValue } from '../../src/protocol/json.ts';
import { bytesOf, jsonOf, messageType, registry } from '../../src/protocol/protobuf/messages.ts';
import { isJsonObject } from '../../src/protocol/scalars.ts';

export type Entries = Readonly<Record<string, string>>;

/** What a call ended with. */
export interface GrpcEnd {
  /** Name of the status code, `OK` for success. */
  readonly code: string;
  readonly message: string;
  /** google.rpc.Status as ProtoJSON, where there is one. */
  readonly details: readonly JsonValue[];
  /** Metadata of the answer, before its messages. */
  readonly head: Entries;
  readonly trailers: Entries;
}

export interface GrpcAnswer extends GrpcEnd {
  /** Each as ProtoJSON. */
  readonly messages: readonly JsonValue[];
}

export interface GrpcCallOptions {
  readonly metadata?: Entries;
  readonly deadlineMs?: number;
  /** Cancels after so many messages. */
  readonly count?: number;
  /** Called with each message. */
  readonly onMessage?: (message: JsonValue) => void;
  readonly signal?: AbortSignal;
}

export class GrpcClient {
  readonly #client: Client;

  /** @param address `host:port`. @param caFile of the server's certificate; without one the connection is plain. */
  constructor(address: string, caFile?: string, options: ChannelOptions = {}) {
    const security = caFile === undefined ? credentials.createInsecure() : credentials.createSsl(readFileSync(caFile));
    this.#client = new Client(address, security, { 'grpc.max_receive_message_length': -1, ...options });
  }

  /** @param method `lf.a2a.v1.A2AService/GetTask`. @param request ProtoJSON, or the bytes to send as they are. */
  call(method: string, request: JsonValue | Uint8Array, options: GrpcCallOptions = {}): Promise<GrpcAnswer> {
    const { input, output } = describedMethod(method);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
    const bytes = request instanceof Uint8Array ? Buffer.from(request) : Buffer.from(bytesOf(input, request));
    const call = this.#client.makeServerStreamRequest(
      `/${method}`,
      (message: Buffer) => message,
      (message: Buffer) => jsonOf(output, message),
      bytes,
      metadata,
      options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs },
    );
    options.signal?.addEventListener('abort', () => call.cancel());
    const messages: JsonValue[] = [];
    let head: Entries = {};
    call.on('metadata', (received: Metadata) => {
      head = entriesOf(received);
    });
    call.on('data', (message: JsonValue) => {
      messages.push(message);
      options.onMessage?.(message);
      if (messages.length === options.count) call.cancel();
    });
    return new Promise((resolve) => {
      call.on('error', () => {});
      call.on('status', (told: Pick<ServiceError, 'code' | 'details' | 'metadata'>) => {
        resolve({
          messages,
          code: status[told.code] ?? String(told.code),
          message: told.details,
          details: detailsOf(told.metadata),
          head,
          trailers: entriesOf(told.metadata),
        });
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

function describedMethod(path: string): DescMethod {
  const [service = '', name] = path.split('/');
  const method = registry.getService(service)?.methods.find((candidate) => candidate.name === name);
  if (method === undefined) throw new Error(`There is no method ${path}`);
  return method;
}

function entriesOf(metadata: Metadata): Entries {
  return Object.fromEntries(
    Object.entries(metadata.getMap()).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function detailsOf(metadata: Metadata): readonly JsonValue[] {
  const [bytes] = metadata.get('grpc-status-details-bin');
  if (!(bytes instanceof Buffer)) return [];
  const told = jsonOf(messageType('google.rpc.Status'), bytes);
  return isJsonObject(told) && Array.isArray(told['details']) ? told['details'] : [];
}

/** Written out, and not taken from the server's own tables: these are the names of the two service definitions. */
const METHODS_V03: Partial<Record<Operation, string>> = {
  SubscribeToTask: 'TaskSubscription',
  ListTaskPushNotificationConfigs: 'ListTaskPushNotificationConfig',
  GetExtendedAgentCard: 'GetAgentCard',
};

/** The full name of the method of an operation. */
export function grpcMethod(version: '1.0' | '0.3', operation: Operation): string {
  if (version === '1.0') return `lf.a2a.v1.A2AService/${operation}`;
  return `a2a.v1.A2AService/${METHODS_V03[operation] ?? operation}`;
}

/** One client per server: a connection for each call would be the slowest part of it. */
const clients = new Map<string, GrpcClient>();

/** @param address `host:port` */
export function grpcClientOf(address: string): GrpcClient {
  let client = clients.get(address);
  if (client === undefined) clients.set(address, (client = new GrpcClient(address)));
  return client;
}
