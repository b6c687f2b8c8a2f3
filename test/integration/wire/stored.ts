/** What a server has stored, seen by a client and in its database file. */
import { join } from 'node:path';
import { openConnection, type SqliteConnection } from '../../../src/storage/sqlite/driver.ts';
import type { ParleyProcess } from '../../support/server.ts';
import { bearer, http } from './wire.ts';

const TABLES = ['tasks', 'task_log', 'task_dedup', 'task_counters', 'api_keys'] as const;

export interface Stored {
  /** `totalSize` of ListTasks. */
  readonly total: number;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Reads the file beside the running server. */
export class StoredReader {
  readonly #parley: ParleyProcess;
  readonly #database: SqliteConnection;

  constructor(parley: ParleyProcess) {
    this.#parley = parley;
    this.#database = openConnection(join(parley.dataDir, 'parley.sqlite'), { readOnly: true, timeoutMs: 5000 });
  }

  async read(): Promise<Stored> {
    const headers = { ...bearer(this.#parley), 'a2a-version': '1.0' };
    const { json } = await http(`${this.#parley.url}/a2a/tasks?pageSize=1`, { headers });
    return { total: (json as { totalSize: number }).totalSize, rows: this.rows() };
  }

  rows(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      TABLES.map((table) => {
        const row = this.#database.prepare(`select count(*) as n from ${table}`).get() as { n: number };
        return [table, row.n];
      }),
    );
  }

  close(): void {
    this.#database.close();
  }
}
