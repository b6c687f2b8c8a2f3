/** When replicas came and went, for the axis of the charts. */
import type { Replica } from '../../api/server.ts';

/** A replica came or went. */
export interface Mark {
  /** Seconds since 1970. */
  readonly at: number;
  readonly text: string;
  readonly isBad: boolean;
}

/** Ascending. Of a replica that is gone without a word the time is when it was last heard of. */
export function marksOf(replicas: readonly Replica[]): readonly Mark[] {
  const marks: Mark[] = [];
  for (const { name, status, startedAt, endedAt, seenAt } of replicas) {
    marks.push({ at: Date.parse(startedAt) / 1000, text: `${name} started`, isBad: false });
    if (endedAt !== null) marks.push({ at: Date.parse(endedAt) / 1000, text: `${name} stopped`, isBad: false });
    else if (status !== 'alive') marks.push({ at: Date.parse(seenAt) / 1000, text: `${name} lost`, isBad: true });
  }
  return marks.toSorted((a, b) => a.at - b.at);
}
