/** Starts and ends of replicas on the axis. */
import { expect, test } from 'vitest';
import type { Replica } from '../../api/server.ts';
import { marksOf } from './marks.ts';

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const replica = (fields: Partial<Replica>): Replica => ({
  id: 'id',
  name: 'host:8080',
  version: '1.0.0',
  status: 'alive',
  startedAt: at(100),
  endedAt: null,
  seenAt: at(200),
  ...fields,
});

test('[U1] a start is marked, an orderly end as well, and one that was lost where it was last heard of', () => {
  const marks = marksOf([
    replica({}),
    replica({ name: 'host:2', startedAt: at(50), status: 'stopped', endedAt: at(150) }),
    replica({ name: 'host:3', startedAt: at(20), status: 'late', seenAt: at(120) }),
  ]);
  expect(marks).toEqual([
    { at: 20, text: 'host:3 started', isBad: false },
    { at: 50, text: 'host:2 started', isBad: false },
    { at: 100, text: 'host:8080 started', isBad: false },
    { at: 120, text: 'host:3 lost', isBad: true },
    { at: 150, text: 'host:2 stopped', isBad: false },
  ]);
});
