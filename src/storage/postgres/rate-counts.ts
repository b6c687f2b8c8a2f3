/** Rate limits of all replicas, counted in PostgreSQL: one statement for all that wait. */
import type { RateAdd, RateCount, RateCounts } from '../../core/limits/rate-counts.ts';
import { NOW_MS } from './clock.ts';
import type { PostgresDatabase } from './database.ts';

/** $1 keys, $2 how many more, $3 the length of a window. In the order of the keys, so that replicas do not wait for each other crosswise. */
const ADD = `insert into rate_windows as r (key, used, ends_at)
  select key, n, ${NOW_MS} + $3 from unnest($1::text[], $2::bigint[]) as b(key, n) order by key collate "C"
  on conflict (key) do update set
    used = case when r.ends_at > ${NOW_MS} then r.used else 0 end + excluded.used,
    ends_at = case when r.ends_at > ${NOW_MS} then r.ends_at else excluded.ends_at end
  returning key, used, ends_at - ${NOW_MS} as ends_in`;
const PRUNE = `delete from rate_windows where key = any(array(
    select key from rate_windows where ends_at <= ${NOW_MS} order by ends_at limit $1 for update skip locked))
  returning 1`;

interface Row {
  readonly key: string;
  readonly used: number;
  readonly ends_in: number;
}

export class PostgresRateCounts implements RateCounts {
  readonly #counting: PostgresDatabase;
  readonly #database: PostgresDatabase;

  /** @param counting a connection of its own, so that no count waits behind other work */
  constructor(counting: PostgresDatabase, database: PostgresDatabase) {
    this.#counting = counting;
    this.#database = database;
  }

  async add(adds: readonly RateAdd[], windowMs: number): Promise<readonly RateCount[]> {
    const values = [adds.map(({ key }) => key), adds.map(({ n }) => n), windowMs];
    const rows = await this.#counting.prepared<Row>(ADD, values);
    const rowByKey = new Map(rows.map((row) => [row.key, row]));
    return adds.map(({ key, n }) => {
      const row = rowByKey.get(key);
      return { used: row?.used ?? n, endsInMs: row?.ends_in ?? windowMs };
    });
  }

  async prune(limit: number): Promise<number> {
    return (await this.#database.prepared(PRUNE, [limit])).length;
  }
}
