/** What a group of writes changes in the counters of listed tasks, summed up per (owner, agent, state). */
import type { TaskWrite } from '../core/tasks/store.ts';

export interface CounterChange {
  readonly ownerId: string;
  readonly agentId: string;
  readonly state: string;
  delta: number;
}

/** Ordered by key, so that concurrent writers take their locks in one order. Changes that cancel out are left out. */
export function counterChanges(writes: readonly TaskWrite[]): CounterChange[] {
  const changes = new Map<string, CounterChange>();
  const add = (ownerId: string, agentId: string, state: string, delta: number): void => {
    const key = `${ownerId}\n${agentId}\n${state}`;
    const change = changes.get(key);
    if (change === undefined) changes.set(key, { ownerId, agentId, state, delta });
    else change.delta += delta;
  };
  for (const { before, head } of writes) {
    const wasListed = before?.listed === true;
    if (wasListed && head.listed && before.state === head.state) continue;
    if (wasListed) add(before.ownerId, before.agentId, before.state, -1);
    if (head.listed) add(head.ownerId, head.agentId, head.state, 1);
  }
  return [...changes.entries()]
    .filter(([, change]) => change.delta !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, change]) => change);
}
