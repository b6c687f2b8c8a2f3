/** A push store that is loaded when it is first used, as the query builder under it takes long to load. */
import type { PushStore } from '../core/push/push-store.ts';

export class DeferredPushStore implements PushStore {
  readonly #load: () => Promise<PushStore>;
  #store: Promise<PushStore> | null = null;

  constructor(load: () => Promise<PushStore>) {
    this.#load = load;
  }

  loaded(): Promise<PushStore> {
    return (this.#store ??= this.#load());
  }

  putConfig: PushStore['putConfig'] = async (...args) => (await this.loaded()).putConfig(...args);
  findConfig: PushStore['findConfig'] = async (...args) => (await this.loaded()).findConfig(...args);
  listConfigs: PushStore['listConfigs'] = async (...args) => (await this.loaded()).listConfigs(...args);
  removeConfig: PushStore['removeConfig'] = async (...args) => (await this.loaded()).removeConfig(...args);
  queuedOf: PushStore['queuedOf'] = async (...args) => (await this.loaded()).queuedOf(...args);
  queued: PushStore['queued'] = async (...args) => (await this.loaded()).queued(...args);
  begin: PushStore['begin'] = async (...args) => (await this.loaded()).begin(...args);
  claim: PushStore['claim'] = async (...args) => (await this.loaded()).claim(...args);
  settle: PushStore['settle'] = async (...args) => (await this.loaded()).settle(...args);
  readTaskUpTo: PushStore['readTaskUpTo'] = async (...args) => (await this.loaded()).readTaskUpTo(...args);
  listDeliveries: PushStore['listDeliveries'] = async (...args) => (await this.loaded()).listDeliveries(...args);
  findDelivery: PushStore['findDelivery'] = async (...args) => (await this.loaded()).findDelivery(...args);
  redeliver: PushStore['redeliver'] = async (...args) => (await this.loaded()).redeliver(...args);
  redeliverAll: PushStore['redeliverAll'] = async (...args) => (await this.loaded()).redeliverAll(...args);
  discard: PushStore['discard'] = async (...args) => (await this.loaded()).discard(...args);
  stats: PushStore['stats'] = async (...args) => (await this.loaded()).stats(...args);
  prune: PushStore['prune'] = async (...args) => (await this.loaded()).prune(...args);
}
