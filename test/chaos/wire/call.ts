/** A call and its answer, the same for every binding and version: what a client of the suite asks for, and is told. */

export const FORMS = ['REST 1.0', 'JSON-RPC 1.0', 'gRPC 1.0', 'REST 0.3', 'JSON-RPC 0.3', 'gRPC 0.3'] as const;

/** A binding and a version. */
export type Form = (typeof FORMS)[number];

/** REST 0.3 lists without a token and a total, gRPC 0.3 has no list. */
export const PAGED_FORMS = ['REST 1.0', 'JSON-RPC 1.0', 'gRPC 1.0', 'JSON-RPC 0.3'] as const satisfies readonly Form[];
export const LISTING_FORMS = [...PAGED_FORMS, 'REST 0.3'] as const satisfies readonly Form[];

export const isOld = (form: Form): boolean => form.endsWith('0.3');

export interface Send {
  readonly messageId: string;
  readonly text: string;
  /** The task that it continues. */
  readonly taskId: string | null;
  readonly returnImmediately: boolean;
  /** Address of a receiver of pushes. */
  readonly hookUrl: string | null;
}

/** What is asked for, in no form yet. */
export type Asked =
  | { readonly operation: 'SendMessage' | 'SendStreamingMessage'; readonly send: Send }
  | { readonly operation: 'GetTask' | 'CancelTask' | 'SubscribeToTask'; readonly taskId: string }
  | { readonly operation: 'ListTasks'; readonly pageSize: number; readonly pageToken: string };

export interface Call {
  readonly agent: string;
  readonly asked: Asked;
  readonly idempotencyKey?: string | undefined;
  readonly lastEventId?: number | undefined;
  /** For the whole answer; for a stream, for each silence. */
  readonly timeoutMs: number;
  /** Aborted when the run is over. */
  readonly signal: AbortSignal;
}

export interface Endpoint {
  readonly url: string;
  /** `host:port` */
  readonly grpcAddress: string;
  readonly key: string;
}

export interface Answer {
  /** Of HTTP, whatever the form: what another binding says by its codes is the status that REST has for it. */
  readonly status: number;
  /** In the form of 1.0; undefined where there is none, or none that can be read. */
  readonly result: unknown;
  /** Why it was refused, in one line. */
  readonly error: string | null;
}

/** One event of a stream, in the form of 1.0. */
export type OnEvent = (id: number, event: unknown) => void;

export function shortened(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
