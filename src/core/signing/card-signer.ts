/** Signs agent cards (A2A 1.0 section 8.4), the same signatures for the same card on every replica and after every start. */
import { createHash } from 'node:crypto';
import { canonicalCard, canonicalPayloads } from '../../protocol/card-canonical.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { AgentCard, AgentCardSignature } from '../../protocol/v1/types.ts';
import { encodedCards } from '../../protocol/version.ts';
import type { Clock } from '../clock.ts';
import type { CardSignatureStore } from './signing-key-store.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface CardSignerOptions {
  readonly keys: SigningKeys;
  readonly store: CardSignatureStore;
  /** Where the public keys are; known once the server listens. */
  readonly jku: () => string;
  readonly clock: Clock;
}

export class CardSigner {
  readonly #keys: SigningKeys;
  readonly #store: CardSignatureStore;
  readonly #jku: () => string;
  readonly #clock: Clock;

  constructor({ keys, store, jku, clock }: CardSignerOptions) {
    this.#keys = keys;
    this.#store = store;
    this.#jku = jku;
    this.#clock = clock;
  }

  /** The key that signs now: other signatures are due when it changes. */
  currentKid(): string {
    return this.#keys.currentKid();
  }

  /**
   * A signature for each form in which the card can be read. ES256 signatures are random, so that they are kept: the
   * bytes of a public card, and with them its entity tag, are the same everywhere.
   */
  async signPublic(card: JsonObject): Promise<AgentCardSignature[]> {
    const kid = this.currentKid();
    const header = this.#header();
    return Promise.all(
      canonicalPayloads(card).map(async (payload) => {
        const digest = createHash('sha256')
          .update(JSON.stringify([header, payload]))
          .digest('base64url');
        const kept = await this.#store.find(kid, digest);
        if (kept !== null) return kept;
        const signature = await this.#keys.sign(Buffer.from(payload), header, kid);
        return this.#store.keep(kid, digest, signature, this.#clock.now());
      }),
    );
  }

  /** The same for a card that is made for one caller, in every form in which it may be sent; nothing is kept. */
  async signPrivate(card: AgentCard): Promise<AgentCardSignature[]> {
    const [specified = {}, ...others] = encodedCards(card);
    return this.#sign([...canonicalPayloads(specified), ...others.map((form) => canonicalCard(form, 'received'))]);
  }

  /** A card that somebody has written: nothing is kept. */
  async signAny(card: JsonObject): Promise<AgentCardSignature[]> {
    return this.#sign(canonicalPayloads(card));
  }

  #sign(payloads: readonly string[]): Promise<AgentCardSignature[]> {
    const kid = this.currentKid();
    const distinct = [...new Set(payloads)];
    return Promise.all(distinct.map((payload) => this.#keys.sign(Buffer.from(payload), this.#header(), kid)));
  }

  #header() {
    return { typ: 'JOSE', jku: this.#jku() };
  }
}
