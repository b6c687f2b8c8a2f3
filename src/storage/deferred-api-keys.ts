/** An API key store that is loaded when it is first used: the query builder under it takes longer than all of the start. */
import type { ApiKeyStore } from '../core/access/api-key-store.ts';

export class DeferredApiKeyStore implements ApiKeyStore {
  readonly #load: () => Promise<ApiKeyStore>;
  #store: Promise<ApiKeyStore> | null = null;

  constructor(load: () => Promise<ApiKeyStore>) {
    this.#load = load;
  }

  loaded(): Promise<ApiKeyStore> {
    return (this.#store ??= this.#load());
  }

  insert: ApiKeyStore['insert'] = async (...args) => (await this.loaded()).insert(...args);
  find: ApiKeyStore['find'] = async (...args) => (await this.loaded()).find(...args);
  findByHash: ApiKeyStore['findByHash'] = async (...args) => (await this.loaded()).findByHash(...args);
  list: ApiKeyStore['list'] = async (...args) => (await this.loaded()).list(...args);
  ownerExists: ApiKeyStore['ownerExists'] = async (...args) => (await this.loaded()).ownerExists(...args);
  update: ApiKeyStore['update'] = async (...args) => (await this.loaded()).update(...args);
  rotate: ApiKeyStore['rotate'] = async (...args) => (await this.loaded()).rotate(...args);
  delete: ApiKeyStore['delete'] = async (...args) => (await this.loaded()).delete(...args);
  touchLastUsed: ApiKeyStore['touchLastUsed'] = async (...args) => (await this.loaded()).touchLastUsed(...args);
}
