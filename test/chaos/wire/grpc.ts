/** gRPC in 1.0 and 0.3, by the libraries that any client uses, from the definitions of the specification. */
import { dirname, join } from 'node:path';
import {
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status as StatusCode,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { programFile } from '../../../scripts/build.mjs';
import {
  type Answer,
  type Asked,
  type Call,
  type Endpoint,
  type Form,
  isOld,
  type OnEvent,
  shortened,
} from './call.ts';
import { fromProtobuf, fromV03 } from './translation.ts';

const PROTOS = join(dirname(programFile), '..', '..', 'src', 'protocol', 'protobuf', 'protos');

type Fields = Readonly<Record<string, unknown>>;

type Unary = (
  message: Fields,
  metadata: Metadata,
  onEnd: (error: ServiceError | null, message?: unknown) => void,
) => { cancel(): void };
type Streaming = (message: Fields, metadata: Metadata) => ClientReadableStream<unknown>;

interface Client {
  close(): void;
  readonly [method: string]: unknown;
}
type Service = new (address: string, security: unknown, options: object) => Client;

function servicesOf(): Readonly<Record<'1.0' | '0.3', Service>> {
  const options = { includeDirs: [PROTOS], enums: String, longs: String, defaults: false };
  const definitions = loadPackageDefinition(loadSync(['lf/a2a/v1/a2a.proto', 'a2a/v1/a2a.proto'], options));
  const { lf, a2a } = definitions as unknown as {
    readonly lf: { readonly a2a: { readonly v1: { readonly A2AService: Service } } };
    readonly a2a: { readonly v1: { readonly A2AService: Service } };
  };
  return { '1.0': lf.a2a.v1.A2AService, '0.3': a2a.v1.A2AService };
}

/** The message of a request: 0.3 names tasks as resources, and says in other words what 1.0 does. */
function messageOf(form: Form, asked: Asked): Fields {
  if (asked.operation === 'ListTasks') return { pageSize: asked.pageSize, pageToken: asked.pageToken };
  if (!('send' in asked)) return isOld(form) ? { name: `tasks/${asked.taskId}` } : { id: asked.taskId };
  const { messageId, text, taskId, returnImmediately, hookUrl } = asked.send;
  const message = { messageId, ...(taskId === null ? {} : { taskId }), role: 'ROLE_USER' };
  const push = (name: string): Fields => (hookUrl === null ? {} : { [name]: { url: hookUrl } });
  if (isOld(form)) {
    return {
      request: { ...message, content: [{ text }] },
      configuration: { blocking: !returnImmediately, ...push('pushNotification') },
    };
  }
  return {
    message: { ...message, parts: [{ text }] },
    configuration: { returnImmediately, ...push('taskPushNotificationConfig') },
  };
}

function methodOf(form: Form, { operation }: Asked): string {
  return isOld(form) && operation === 'SubscribeToTask' ? 'TaskSubscription' : operation;
}

const STATUS_OF_CODE: Partial<Record<StatusCode, number>> = {
  [StatusCode.NOT_FOUND]: 404,
  [StatusCode.ALREADY_EXISTS]: 409,
  [StatusCode.UNAUTHENTICATED]: 401,
  [StatusCode.PERMISSION_DENIED]: 403,
  [StatusCode.RESOURCE_EXHAUSTED]: 429,
  [StatusCode.INTERNAL]: 500,
  [StatusCode.UNKNOWN]: 500,
  [StatusCode.UNAVAILABLE]: 503,
};

/** What the server answered. @throws the error, where it is none of the server: the call broke on its way */
function refusalOf(error: ServiceError): Answer {
  const isOfServer = ['grpc-status-details-bin', 'x-request-id'].some((name) => error.metadata.get(name).length > 0);
  if (!isOfServer) throw error;
  return { status: STATUS_OF_CODE[error.code] ?? 400, result: undefined, error: shortened(error.message) };
}

/** The connections of all clients of a run: one for each server. */
export class GrpcCaller {
  readonly #services = servicesOf();
  readonly #clients = new Map<string, Client>();

  #client(form: Form, address: string): Client {
    const version = isOld(form) ? '0.3' : '1.0';
    const name = `${version} ${address}`;
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = new this.#services[version](address, credentials.createInsecure(), {
        // Servers come back soon here; the usual two minutes would be most of a run.
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1000,
      });
      this.#clients.set(name, client);
    }
    return client;
  }

  #metadata({ key }: Endpoint, { agent, idempotencyKey, lastEventId }: Call): Metadata {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${key}`);
    metadata.set('x-parley-agent', agent);
    if (idempotencyKey !== undefined) metadata.set('idempotency-key', idempotencyKey);
    if (lastEventId !== undefined) metadata.set('last-event-id', String(lastEventId));
    return metadata;
  }

  /** Rejects where no whole answer came in time. */
  async ask(form: Form, endpoint: Endpoint, call: Call): Promise<Answer> {
    const { asked, timeoutMs } = call;
    const client = this.#client(form, endpoint.grpcAddress);
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]);
    signal.throwIfAborted();
    const ended = await new Promise<{ error: ServiceError | null; message: unknown }>((resolve) => {
      const metadata = this.#metadata(endpoint, call);
      const onEnd = (error: ServiceError | null, message?: unknown): void => resolve({ error, message });
      const begin = client[methodOf(form, asked)] as Unary;
      const underWay = begin.call(client, messageOf(form, asked), metadata, onEnd);
      signal.addEventListener('abort', () => underWay.cancel(), { once: true });
    });
    if (ended.error !== null) return refusalOf(ended.error);
    return { status: 200, result: resultOf(form, asked, ended.message), error: null };
  }

  /**
   * Calls `onEvent` with each event until the server ends the stream. Rejects when it breaks, or says nothing for
   * `timeoutMs`; gRPC has no comments, so that happens to a silent task, too.
   */
  async follow(form: Form, endpoint: Endpoint, call: Call, onEvent: OnEvent): Promise<Answer> {
    const { asked, timeoutMs } = call;
    call.signal.throwIfAborted();
    const client = this.#client(form, endpoint.grpcAddress);
    const begin = client[methodOf(form, asked)] as Streaming;
    const stream = begin.call(client, messageOf(form, asked), this.#metadata(endpoint, call));
    const leave = (): void => stream.cancel();
    call.signal.addEventListener('abort', leave, { once: true });
    let timer = setTimeout(leave, timeoutMs);
    let next: number | null = null;
    let first: number | null = null;
    try {
      await new Promise<void>((resolve, reject) => {
        stream.on('metadata', (head: Metadata) => {
          const [id] = head.get('first-event-id');
          if (id !== undefined) first = Number(id);
        });
        stream.on('data', (message: unknown) => {
          clearTimeout(timer);
          timer = setTimeout(leave, timeoutMs);
          const id: number = next ?? first ?? Number.NaN;
          next = id + 1;
          onEvent(id, resultOf(form, asked, message));
        });
        stream.on('error', reject);
        stream.on('end', resolve);
      });
    } catch (error) {
      return refusalOf(error as ServiceError);
    } finally {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', leave);
    }
    // What HTTP says by 204: there is nothing that the client does not have.
    return { status: next === null ? 204 : 200, result: undefined, error: null };
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}

function resultOf(form: Form, asked: Asked, message: unknown): unknown {
  const json = fromProtobuf(message);
  if (asked.operation === 'ListTasks') return { tasks: [], nextPageToken: '', totalSize: 0, ...(json as Fields) };
  return isOld(form) ? fromV03(json) : json;
}
