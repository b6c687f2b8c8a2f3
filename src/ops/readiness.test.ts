/** `/readyz` tells the truth about the database, and in time. */
import { describe, expect, it } from 'vitest';
import { turnedClock } from '../../test/support/turned-clock.ts';
import { silentLogger } from '../core/logger.ts';
import { ReadinessCheck } from './readiness.ts';

function checkOf(ping: () => Promise<void>, isOpen = true, isStoring = () => true) {
  const clock = turnedClock();
  const lines: string[] = [];
  const note = (first: object | string, message?: string) =>
    void lines.push(typeof first === 'string' ? first : (message ?? ''));
  const logger = { ...silentLogger, error: note, info: note };
  return { clock, lines, readiness: new ReadinessCheck({ isOpen: () => isOpen, ping, isStoring, clock, logger }) };
}

describe('[O2] readiness', () => {
  it('names the server while it starts or stops, and does not ask the database', async () => {
    const { readiness } = checkOf(() => Promise.reject(new Error('not asked')), false);
    expect(await readiness.check()).toEqual(['server']);
  });

  it('names the database when it refuses, and logs each change once', async () => {
    let isDown = true;
    const { readiness, lines, clock } = checkOf(async () => {
      if (isDown) throw new Error('connection refused');
    });
    const checkLater = () => {
      clock.turn(1000);
      return readiness.check();
    };
    expect(await checkLater()).toEqual(['database']);
    expect(await checkLater()).toEqual(['database']);
    isDown = false;
    expect(await readiness.check()).toEqual(['database']);
    expect(await checkLater()).toEqual([]);
    expect(await checkLater()).toEqual([]);
    expect(lines).toEqual(['the database does not work', 'the database works again']);
  });

  it('names the database when it answers, but takes no writes', async () => {
    let isStoring = false;
    const { readiness, clock } = checkOf(
      async () => undefined,
      true,
      () => isStoring,
    );
    expect(await readiness.check()).toEqual(['database']);
    isStoring = true;
    clock.turn(1000);
    expect(await readiness.check()).toEqual([]);
  });

  it('asks the database once a second at most, however many ask', async () => {
    let asked = 0;
    const { readiness, clock } = checkOf(async () => void asked++);
    await Promise.all(Array.from({ length: 100 }, () => readiness.check()));
    expect(asked).toBe(1);
    clock.turn(1000);
    await readiness.check();
    expect(asked).toBe(2);
  });

  it('names the database when it hangs, within two seconds', async () => {
    const { readiness, clock } = checkOf(() => new Promise(() => {}));
    const checking = readiness.check();
    clock.turn(2000);
    expect(await checking).toEqual(['database']);
  });
});
