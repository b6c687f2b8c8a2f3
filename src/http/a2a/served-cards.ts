/** Public cards as they are served: made and signed when first asked for, then kept. */
import type { Agent } from '../../core/agents/registry.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { CardSigner } from '../../core/signing/card-signer.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { combinedCard } from '../../protocol/v0_3/translate-card.ts';
import type { AgentCard } from '../../protocol/v1/types.ts';
import { etagOf } from '../etag.ts';

/** A card that could not be signed is served without a signature for so long, then tried again. */
const RETRY_MS = 30_000;

export interface ServedCard {
  readonly body: string;
  readonly etag: string;
  /** Milliseconds since 1970: when what it says last changed here. */
  readonly changedAtMs: number;
}

interface Entry {
  readonly kid: string | null;
  readonly card: Promise<ServedCard>;
  /** From then on it is made again; null: it stays. */
  retryAtMs: number | null;
}

export interface ServedCardsOptions {
  readonly cardOf: (agent: Agent, path: string) => AgentCard;
  /** null: cards are not signed. */
  readonly signer: CardSigner | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ServedCards {
  readonly #options: ServedCardsOptions;
  readonly #startedAtMs: number;
  /** By path; as many as there are agents. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: ServedCardsOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.now();
  }

  /** @param path of the agent's address below the public URL */
  at(agent: Agent, path: string): Promise<ServedCard> {
    const { clock, signer } = this.#options;
    const known = this.#entries.get(path);
    const kid = signer?.currentKid() ?? null;
    if (known !== undefined && known.kid === kid && (known.retryAtMs ?? Infinity) > clock.now()) return known.card;
    const changedAtMs = known === undefined ? this.#startedAtMs : clock.now();
    const entry: Entry = {
      kid,
      card: this.#make(agent, path, changedAtMs, () => this.#retryLater(entry)),
      retryAtMs: null,
    };
    this.#entries.set(path, entry);
    entry.card.catch(() => this.#entries.delete(path));
    return entry.card;
  }

  async #make(agent: Agent, path: string, changedAtMs: number, onUnsigned: () => void): Promise<ServedCard> {
    const { cardOf, signer, logger } = this.#options;
    const card = JSON.parse(JSON.stringify(combinedCard(cardOf(agent, path)))) as JsonObject;
    let body = JSON.stringify(card);
    try {
      if (signer !== null) body = JSON.stringify({ ...card, signatures: await signer.signPublic(card) });
    } catch (err) {
      // Without its card nobody finds the agent; a client that insists on a signature still refuses it.
      logger.error({ err, agentId: agent.id }, 'the card could not be signed and is served without a signature');
      onUnsigned();
    }
    return { body, etag: etagOf(body), changedAtMs };
  }

  #retryLater(entry: Entry): void {
    entry.retryAtMs = this.#options.clock.now() + RETRY_MS;
  }
}
