/** Rate limits of all replicas, counted in Redis: one script call for all that wait. Keys end with their window. */
import { createHash } from 'node:crypto';
import type { RateAdd, RateCount, RateCounts } from '../../core/limits/rate-counts.ts';

/** Of the keys in a Redis that others use too. */
const PREFIX = 'parley:rate:';
/** Keys in one call: Redis does nothing else meanwhile. */
const MAX_KEYS = 500;

/** KEYS callers; ARGV the length of a window, then how many more for each. Answers the count and what is left, in turn. */
const ADD = `local answer = {}
for i, key in ipairs(KEYS) do
  local used = redis.call('incrby', key, ARGV[i + 1])
  local left = redis.call('pttl', key)
  if left < 0 then
    left = tonumber(ARGV[1])
    redis.call('pexpire', key, left)
  end
  answer[2 * i - 1] = used
  answer[2 * i] = left
end
return answer`;

/** What Redis calls it. */
const ADD_SHA = createHash('sha1').update(ADD).digest('hex');

interface ScriptValues {
  keys: string[];
  arguments: string[];
}

/** A client of Redis, as far as it is used here. */
export interface RunsScripts {
  evalSha(sha: string, values: ScriptValues): Promise<unknown>;
  eval(script: string, values: ScriptValues): Promise<unknown>;
}

export class RedisRateCounts implements RateCounts {
  readonly #client: RunsScripts;

  constructor(client: RunsScripts) {
    this.#client = client;
  }

  async add(adds: readonly RateAdd[], windowMs: number): Promise<readonly RateCount[]> {
    const parts: (readonly RateAdd[])[] = [];
    for (let from = 0; from < adds.length; from += MAX_KEYS) parts.push(adds.slice(from, from + MAX_KEYS));
    // Written together, without waiting for each other's answer.
    return (await Promise.all(parts.map((part) => this.#add(part, windowMs)))).flat();
  }

  async #add(adds: readonly RateAdd[], windowMs: number): Promise<readonly RateCount[]> {
    const values = {
      keys: adds.map(({ key }) => `${PREFIX}${key}`),
      arguments: [String(windowMs), ...adds.map(({ n }) => String(n))],
    };
    let answer: unknown;
    try {
      answer = await this.#client.evalSha(ADD_SHA, values);
    } catch (error) {
      // Redis has forgotten the script, or never had it.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      answer = await this.#client.eval(ADD, values);
    }
    const numbers = Array.isArray(answer) ? answer.map(Number) : [];
    return adds.map(({ n }, index) => ({
      used: numbers[2 * index] ?? n,
      endsInMs: numbers[2 * index + 1] ?? windowMs,
    }));
  }

  /** Redis does it. */
  async prune(): Promise<number> {
    return 0;
  }
}
