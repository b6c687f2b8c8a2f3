/** For servers that tests put together themselves: nothing is captured there. */
import { Captures } from '../../src/core/captures/captures.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemIds } from '../../src/ops/runtime.ts';
import { turnedClock } from './turned-clock.ts';

export const noCaptures = new Captures({
  store: {} as never,
  clock: turnedClock(),
  ids: systemIds,
  logger: silentLogger,
  limits: { maxActive: 1, maxActivePerKey: 1, maxFrames: 1, maxFrameBytes: 1, maxBytes: 1, keepMs: 1 },
  metrics: { framesStored: () => {}, framesLost: () => {}, limitReached: () => {} },
  isShared: false,
});
