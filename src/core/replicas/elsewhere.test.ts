/** How often tasks that run elsewhere are looked up. */
import { expect, it } from 'vitest';
import { silentLogger } from '../logger.ts';
import type { SubscriptionHub } from '../tasks/hub.ts';
import type { TaskStore } from '../tasks/store.ts';
import { TasksElsewhere } from './elsewhere.ts';

it.each([
  ['each second', false, [0, 1000, 1999, 3000, 4000, 4999]],
  ['every five seconds with a bus that is trusted', true, [0, 4999]],
] as const)('[O16] %s, also by a timer that fires a little early', async (_, mayTrustBus, expected) => {
  const looks: number[] = [];
  let nowMs = 0;
  const elsewhere = new TasksElsewhere({
    store: { readSeqs: async () => (looks.push(nowMs), new Map()) } as unknown as TaskStore,
    hub: { followedIds: () => ['task'] } as unknown as SubscriptionHub,
    logger: silentLogger,
    isRunHere: () => false,
    mayTrustBus: () => mayTrustBus,
    onMissed: () => {},
  });
  for (nowMs of [0, 500, 1000, 1999, 3000, 4000, 4999]) await elsewhere.look(nowMs);
  expect(looks).toEqual(expected);
});
