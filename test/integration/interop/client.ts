/** What the interop tests ask of a client that somebody else wrote, in the forms of 1.0 whatever it speaks. */
import type { StreamResponse, Task, TaskPushNotificationConfig } from '../../../src/protocol/v1/types.ts';

export interface SendOptions {
  readonly taskId?: string;
  readonly contextId?: string;
  /** The answer may come before the task has ended. */
  readonly isImmediate?: boolean;
}

export interface InteropClient {
  send(text: string, options?: SendOptions): Promise<Task>;
  stream(text: string): AsyncIterable<StreamResponse>;
  get(id: string, historyLength?: number): Promise<Task>;
  /** Absent where the client has no such operation. */
  readonly list?: (contextId: string) => Promise<readonly Task[]>;
  cancel(id: string): Promise<Task>;
  subscribe(id: string): AsyncIterable<StreamResponse>;
  createPushConfig(config: TaskPushNotificationConfig): Promise<TaskPushNotificationConfig>;
  getPushConfig(taskId: string, id: string): Promise<TaskPushNotificationConfig>;
  listPushConfigs(taskId: string): Promise<readonly TaskPushNotificationConfig[]>;
  deletePushConfig(taskId: string, id: string): Promise<void>;
  /** The extensions on the card that the client ends up with: the extended one, where the public one announces it. */
  cardExtensions(): Promise<readonly string[]>;
}

export interface ConnectOptions {
  /** Where the agent's card is; the client finds everything else by itself. */
  readonly cardUrl: string;
  readonly key: string;
  /** Reached through these addresses instead of those that the card names. */
  readonly through?: { readonly http: string; readonly grpc: string };
}

export interface ClientUnderTest {
  readonly name: string;
  /** Numbers cannot be left out in the gRPC of 0.3: a length of 0 is none that was asked for. */
  readonly isOldGrpc: boolean;
  connect(options: ConnectOptions): Promise<InteropClient>;
}

/** `fetch` with a key, as an application gives it to its client. */
export function fetchWithKey(key: string): typeof fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${key}`);
    return fetch(input, { ...init, headers });
  };
}

/** An address of the card as it is reached through another origin. */
export function rebased(url: string, through: ConnectOptions['through']): string {
  if (through === undefined) return url;
  return url.startsWith('http') ? `${through.http}${new URL(url).pathname}` : through.grpc;
}

/** The key in the metadata of a call, for transports without `fetch`. */
export function keyInterceptor(key: string) {
  return {
    async before(args: { options?: { serviceParameters?: Record<string, string> } }): Promise<void> {
      const { serviceParameters } = args.options ?? {};
      args.options = { ...args.options, serviceParameters: { authorization: `Bearer ${key}`, ...serviceParameters } };
    },
    async after(): Promise<void> {},
  };
}

const NAMES_BY_CODE: Readonly<Record<string, string>> = {
  '-32001': 'TaskNotFound',
  '-32002': 'TaskNotCancelable',
  '-32003': 'PushNotificationNotSupported',
  '-32004': 'UnsupportedOperation',
  '-32005': 'ContentTypeNotSupported',
  '-32007': 'ExtendedAgentCardNotConfigured',
};

/** The specification's name of an error, by the class that a client throws, else by the code that it tells. */
export function errorName(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const told = [error.constructor.name, error.name].map((name) => name.replace(/(?:JSONRPC)?Error\d*$/, ''));
    const name = told.find((word) => Object.values(NAMES_BY_CODE).includes(word));
    if (name !== undefined) return name;
    const code = /-320\d\d/.exec(error.message)?.[0];
    if (code !== undefined) return NAMES_BY_CODE[code] ?? code;
  }
  return String(thrown);
}
