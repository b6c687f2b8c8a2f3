/** The port by which the outbox reaches receivers. The adapter guards every address; this side decides what is sent. */

export interface PushRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

export type PushAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter: string | undefined }
  /** `error`: in one word, such as `timeout` or `address_refused`. */
  | { readonly kind: 'failed'; readonly error: string };

export interface PushTransport {
  /** Never rejects. */
  post(request: PushRequest): Promise<PushAnswer>;
  /** Why a client may not have this address called, as the end of "must ..."; undefined where it may, as far as can be told now. */
  problemOf(url: string): string | undefined;
}
