/** What a replica did within one span of time, in numbers that those of other replicas and spans can be added to. */

const SUMS = ['requests', 'requestErrors', 'tasksCreated', 'turnsEnded', 'turnsFailed', 'runningMs'] as const;

/** Upper bounds of the bins of durations, in milliseconds; one more bin has what takes longer. They are stored: only ever add new ones under another name. */
const BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000];
const BINS = BOUNDS_MS.length + 1;

export interface Counts {
  requests: number;
  /** Those that were answered with 5xx. */
  requestErrors: number;
  tasksCreated: number;
  turnsEnded: number;
  /** Those that failed or were rejected. */
  turnsFailed: number;
  /** How long tasks ran, all of them together: over the length of the span it is how many ran on average. */
  runningMs: number;
  /** The most tasks that waited for a replica with room. Every replica sees the same queue: not to be added. */
  queued: number;
  /** How many turns took how long. */
  readonly turnBins: number[];
}

export function noCounts(): Counts {
  return {
    requests: 0,
    requestErrors: 0,
    tasksCreated: 0,
    turnsEnded: 0,
    turnsFailed: 0,
    runningMs: 0,
    queued: 0,
    turnBins: Array.from({ length: BINS }, () => 0),
  };
}

export function addCounts(to: Counts, more: Counts): void {
  for (const field of SUMS) to[field] += more[field];
  to.queued = Math.max(to.queued, more.queued);
  for (let bin = 0; bin < BINS; bin++) to.turnBins[bin] = (to.turnBins[bin] ?? 0) + (more.turnBins[bin] ?? 0);
}

export function addTurn(counts: Counts, durationMs: number, isFailed: boolean): void {
  counts.turnsEnded++;
  if (isFailed) counts.turnsFailed++;
  const found = BOUNDS_MS.findIndex((bound) => durationMs <= bound);
  const bin = found === -1 ? BINS - 1 : found;
  counts.turnBins[bin] = (counts.turnBins[bin] ?? 0) + 1;
}

/** JSON text; what is zero is left out, so that a replica with nothing to do stores next to nothing. */
export function countsJson({ turnBins, ...numbers }: Counts): string {
  const some = Object.entries(numbers).filter(([, value]) => value > 0);
  if (turnBins.some((count) => count > 0)) return JSON.stringify({ ...Object.fromEntries(some), turnBins });
  return JSON.stringify(Object.fromEntries(some));
}

/** Also what another version of the program stored: numbers that this one does not know are passed over. */
export function countsOf(json: string): Counts {
  const stored = JSON.parse(json) as Partial<Counts>;
  const counts = noCounts();
  for (const field of [...SUMS, 'queued'] as const) counts[field] = stored[field] ?? 0;
  for (let bin = 0; bin < BINS; bin++) counts.turnBins[bin] = stored.turnBins?.[bin] ?? 0;
  return counts;
}

/** Estimated as if durations were spread evenly over their bin; of the last bin its lower bound is all that is known. null: no turn ended. */
export function turnQuantileMs({ turnBins }: Counts, share: number): number | null {
  const total = turnBins.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [bin, count] of turnBins.entries()) {
    if (left > count || count === 0) {
      left -= count;
      continue;
    }
    const from = BOUNDS_MS[bin - 1] ?? 0;
    const to = BOUNDS_MS[bin] ?? from;
    return Math.round((from + (to - from) * (left / count)) * 10) / 10;
  }
  return BOUNDS_MS.at(-1) ?? null;
}
