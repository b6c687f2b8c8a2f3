/** Looking at the outbox, and reviving what it has given up: owners for their own tasks, the admin for all. */
import { AppError } from '../../protocol/errors.ts';
import { authorize } from '../access/authorize.ts';
import type { Principal } from '../access/principal.ts';
import type { Logger } from '../logger.ts';
import type { DeliveryCursor, DeliveryFilter, DeliveryPage, DeliveryRecord, PushStore } from './push-store.ts';

export interface PushDeliveryOptions {
  readonly store: PushStore;
  readonly logger: Logger;
  readonly onRedelivery: () => void;
}

interface LookedAt {
  readonly ownerId: string | undefined;
  readonly taskId?: string | undefined;
  readonly deliveryId?: string;
}

/** Receivers in one call of `redeliverAll`. */
const REDELIVER_LIMIT = 1000;

export class PushDeliveries {
  readonly #options: PushDeliveryOptions;

  constructor(options: PushDeliveryOptions) {
    this.#options = options;
  }

  /** Newest configurations first. `ownerId` of the filter is for the admin; for others it is their own, whatever it says. */
  async list(
    principal: Principal,
    filter: DeliveryFilter,
    after: DeliveryCursor | null,
    limit: number,
  ): Promise<DeliveryPage> {
    authorize(principal, 'delivery.read', { kind: 'server' });
    this.#note(principal, { ownerId: filter.ownerId, taskId: filter.taskId });
    return this.#options.store.listDeliveries(scoped(principal, filter), after, limit);
  }

  /** Throws NOT_FOUND, also for another owner's. */
  async get(principal: Principal, id: string): Promise<DeliveryRecord> {
    authorize(principal, 'delivery.read', { kind: 'server' });
    const found = (await this.#find(principal, id)) ?? notFound(id);
    this.#note(principal, { ownerId: found.ownerId, deliveryId: id });
    return found;
  }

  /** Who looks across owners is written down. */
  #note(principal: Principal, what: LookedAt): void {
    if (!isAdmin(principal) || what.ownerId === principal.ownerId) return;
    this.#options.logger.info(
      { by: principal.name, keyId: principal.keyId, ...what },
      'push deliveries were looked at',
    );
  }

  /** It waits again, with a new budget of attempts. Throws NOT_FOUND, and CONFLICT where it is no dead letter. */
  async redeliver(principal: Principal, id: string): Promise<DeliveryRecord> {
    authorize(principal, 'delivery.write', { kind: 'server' });
    const { store, onRedelivery, logger } = this.#options;
    const before = (await this.#find(principal, id)) ?? notFound(id);
    if (!(await store.redeliver(keyOf(id) ?? notFound(id), ownerOf(principal)))) throw notDead(id);
    logger.info({ deliveryId: id, by: principal.name }, 'dead letter is delivered again');
    onRedelivery();
    return (await this.#find(principal, id)) ?? { ...before, state: 'pending' };
  }

  /** All dead letters of the filter, of at most so many receivers; returns how many letters. */
  async redeliverAll(principal: Principal, filter: DeliveryFilter): Promise<number> {
    authorize(principal, 'delivery.write', { kind: 'server' });
    const { store, onRedelivery, logger } = this.#options;
    const count = await store.redeliverAll(scoped(principal, filter), REDELIVER_LIMIT);
    logger.info({ count, by: principal.name }, 'dead letters are delivered again');
    onRedelivery();
    return count;
  }

  /** Forgets a dead letter. Throws NOT_FOUND, and CONFLICT where it still waits. */
  async discard(principal: Principal, id: string): Promise<void> {
    authorize(principal, 'delivery.write', { kind: 'server' });
    if ((await this.#find(principal, id)) === undefined) notFound(id);
    if (!(await this.#options.store.discard(keyOf(id) ?? notFound(id), ownerOf(principal)))) throw notDead(id);
    this.#options.logger.info({ deliveryId: id, by: principal.name }, 'dead letter deleted');
  }

  async #find(principal: Principal, id: string): Promise<DeliveryRecord | undefined> {
    const key = keyOf(id);
    if (key === undefined) return undefined;
    const found = await this.#options.store.findDelivery(key, ownerOf(principal));
    return found !== undefined && mayUse(principal, found.agentId) ? found : undefined;
  }
}

const isAdmin = (principal: Principal): boolean => principal.scopes.has('admin');

/** Whose deliveries are looked at; undefined: all. */
const ownerOf = (principal: Principal): string | undefined => (isAdmin(principal) ? undefined : principal.ownerId);

/** A key that is bound to agents sees their deliveries only. */
const mayUse = ({ agents }: Principal, agentId: string): boolean => agents === null || agents.has(agentId);

function scoped(principal: Principal, filter: DeliveryFilter): DeliveryFilter {
  const ownerId = isAdmin(principal) ? filter.ownerId : principal.ownerId;
  return { ...filter, ownerId, agentIds: principal.agents === null ? undefined : [...principal.agents] };
}

function keyOf(id: string): { readonly uid: string; readonly seq: number } | undefined {
  const [, uid, seq] = /^([\w-]{1,64})\.(\d{1,7})$/.exec(id) ?? [];
  return uid === undefined || seq === undefined ? undefined : { uid, seq: Number(seq) };
}

function notFound(id: string): never {
  throw new AppError('NOT_FOUND', `There is no push delivery ${id}`);
}

function notDead(id: string): AppError {
  return new AppError('CONFLICT', `The push delivery ${id} is no dead letter: it waits for its next attempt`);
}
