/** The bus between replicas of one process: for tests, which can decide what becomes of each payload. */
import type { BusHandlers, BusTarget, ReplicaBus } from '../core/replicas/bus.ts';

/** Delivers a payload now, later, never, or more than once. */
export type Fate = (deliver: () => void) => void;

const MAX_PAYLOAD_BYTES = 64 * 1024;

export class InProcessNetwork {
  readonly #members = new Map<string, BusHandlers>();
  #isUp = true;
  /** What becomes of payloads from now on; by default each arrives in the next turn of the event loop. */
  fate: Fate = (deliver) => void setImmediate(deliver);

  join(): ReplicaBus {
    let member: string | null = null;
    return {
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      start: (replicaId, handlers) => {
        member = replicaId;
        this.#members.set(replicaId, handlers);
        if (this.#isUp) setImmediate(() => this.#members.has(replicaId) && this.#isUp && handlers.onState(true));
      },
      publish: (target, payload) => {
        if (member !== null && this.#members.has(member)) this.#publish(target, payload);
      },
      stop: async () => {
        if (member !== null) this.#members.delete(member);
      },
    };
  }

  #publish(target: BusTarget, payload: Uint8Array): void {
    if (!this.#isUp) return;
    const ids = target === 'all' ? [...this.#members.keys()] : [target.replicaId];
    // A copy, as a network makes one.
    for (const id of ids) this.fate(() => this.#isUp && this.#members.get(id)?.onPayload(payload.slice()));
  }

  /** The network breaks, or is whole again, for all of them. */
  setUp(isUp: boolean): void {
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    for (const handlers of this.#members.values()) handlers.onState(isUp);
  }
}
