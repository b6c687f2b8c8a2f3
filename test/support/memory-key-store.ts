/** API keys in memory: enough of a store for the authenticator; the real ones have their own suite. */
import type { ApiKeyRecord, ApiKeyStore, ApiKeyUse } from '../../src/core/access/api-key-store.ts';
import { AppError } from '../../src/protocol/errors.ts';

export class MemoryKeyStore implements ApiKeyStore {
  readonly records = new Map<string, ApiKeyRecord>();
  readonly uses: ApiKeyUse[][] = [];
  reads = 0;
  isDown = false;
  /** Reads answer when this has resolved, with what was true when they began. */
  gate: Promise<void> = Promise.resolve();

  async findByHash(keyHash: string, nowMs: number): Promise<ApiKeyRecord | null> {
    this.reads++;
    const found = [...this.records.values()].find(
      (record) =>
        record.keyHash === keyHash || (record.previousHash === keyHash && (record.previousExpiresAtMs ?? 0) > nowMs),
    );
    await this.gate;
    if (this.isDown) throw new AppError('UNAVAILABLE', 'the database does not answer');
    return found ?? null;
  }
  async insert(record: ApiKeyRecord): Promise<void> {
    this.records.set(record.id, record);
  }
  async find(id: string): Promise<ApiKeyRecord | null> {
    return this.records.get(id) ?? null;
  }
  async list(): Promise<readonly ApiKeyRecord[]> {
    return [...this.records.values()];
  }
  async ownerExists(): Promise<boolean> {
    return true;
  }
  async update(id: string, changes: object, nowMs: number): Promise<ApiKeyRecord | null> {
    return this.#put(id, { ...changes, updatedAtMs: nowMs + 1 });
  }
  async rotate(
    id: string,
    fromHash: string,
    rotation: { previousExpiresAtMs: number | null },
  ): Promise<ApiKeyRecord | null> {
    return this.#put(id, { ...rotation, previousHash: rotation.previousExpiresAtMs === null ? null : fromHash });
  }
  async delete(id: string): Promise<boolean> {
    return this.records.delete(id);
  }
  async touchLastUsed(uses: readonly ApiKeyUse[]): Promise<void> {
    this.uses.push([...uses]);
  }
  #put(id: string, fields: Partial<ApiKeyRecord>): ApiKeyRecord | null {
    const record = this.records.get(id);
    if (record === undefined) return null;
    const changed = { ...record, ...fields };
    this.records.set(id, changed);
    return changed;
  }
}
