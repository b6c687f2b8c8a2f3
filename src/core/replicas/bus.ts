/**
 * How replicas reach each other: a broadcast that may lose, double and reorder what it carries. It is never the truth: the
 * log is. What a replica learns by it, it would have found in the database a little later.
 */

/** Every replica, or the one with this id. */
export type BusTarget = { readonly replicaId: string } | 'all';

export interface BusHandlers {
  /** One payload, as it was published; a replica may get its own. It must not throw. */
  readonly onPayload: (payload: Uint8Array) => void;
  /** From now on payloads come and go (`true`), or they do not. Whatever was published in between is lost. */
  readonly onState: (isUp: boolean) => void;
  /** So many payloads were given up because they could not be sent fast enough. */
  readonly onDropped: (payloads: number) => void;
}

export interface ReplicaBus {
  /** The largest payload, in bytes. */
  readonly maxPayloadBytes: number;
  /** Begins to connect, and goes on trying for ever; returns at once. Call it once. */
  start(replicaId: string, handlers: BusHandlers): void;
  /** Hands the payload over and returns: never throws, never waits. What it cannot send while it is down is lost. */
  publish(target: BusTarget, payload: Uint8Array): void;
  /** Sends what was handed over as far as that takes no time worth speaking of, and closes. May be called twice, and without a start. */
  stop(): Promise<void>;
}
