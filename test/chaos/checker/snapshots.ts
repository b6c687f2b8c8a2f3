/** A Task as it was after one of its events, put together from the log, against one that was told. */
import { isDeepStrictEqual } from 'node:util';
import { carriedByV03 } from '../wire/translation.ts';
import type { StoredEvent } from './stored.ts';

interface Artifact {
  readonly artifactId?: string;
  readonly parts?: readonly unknown[];
}

interface Body {
  readonly task?: { readonly status?: unknown };
  readonly statusUpdate?: {
    readonly status?: unknown;
    readonly metadata?: {
      readonly parley?: { readonly discardedAfterSeq?: number; readonly discardedUpToSeq?: number };
    };
  };
  readonly artifactUpdate?: { readonly artifact?: Artifact; readonly append?: boolean };
}

interface TaskJson {
  readonly id?: string;
  readonly status?: unknown;
  readonly artifacts?: readonly Artifact[];
}

/** Whether `told`, a Task of 0.3, is what the events up to `seq` make of task `taskId`. Its history is not looked at. */
export function isTaskAfter(told: unknown, taskId: string, seq: number, events: readonly StoredEvent[]): boolean {
  const { id, status, artifacts = [] } = told as TaskJson;
  if (id !== taskId) return false;
  const before = events.filter((event) => event.seq <= seq);
  const parts = artifacts.map((artifact) => artifact.parts);
  // What an attempt had made is gone when the next begins, even from a Task that is told as of a moment before.
  return [before, before.filter(({ isDiscarded }) => !isDiscarded)].some(
    (made) => isDeepStrictEqual(status, statusAfter(made)) && isDeepStrictEqual(parts, partsAfter(made)),
  );
}

function statusAfter(events: readonly StoredEvent[]): unknown {
  const statuses = events.flatMap(({ body }) => {
    const { task, statusUpdate } = bodyOf(body);
    return task?.status ?? statusUpdate?.status ?? [];
  });
  return statuses.at(-1);
}

function bodyOf(json: string): Body {
  return carriedByV03(JSON.parse(json)) as Body;
}

/** The parts of each artifact. */
function partsAfter(events: readonly StoredEvent[]): unknown[] {
  let made: { readonly seq: number; readonly artifact: Artifact; readonly append: boolean }[] = [];
  for (const { seq, body } of events) {
    const { statusUpdate, artifactUpdate } = bodyOf(body);
    const { discardedAfterSeq, discardedUpToSeq = 0 } = statusUpdate?.metadata?.parley ?? {};
    if (discardedAfterSeq !== undefined) {
      made = made.filter((one) => one.seq <= discardedAfterSeq || one.seq > discardedUpToSeq);
    }
    const { artifact, append = false } = artifactUpdate ?? {};
    if (artifact !== undefined) made.push({ seq, artifact, append });
  }
  const parts = new Map<string | undefined, unknown[]>();
  for (const { artifact, append } of made) {
    const known = append ? (parts.get(artifact.artifactId) ?? []) : [];
    parts.set(artifact.artifactId, [...known, ...(artifact.parts ?? [])]);
  }
  return [...parts.values()];
}
