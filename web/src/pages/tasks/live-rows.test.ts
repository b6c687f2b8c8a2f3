import { describe, expect, it } from 'vitest';
import type { TaskRow } from '../../api/tasks.ts';
import { fits, type Looking, listedRows, mergeRows, NO_LIVE_ROWS, NO_ROWS, withChanges } from './live-rows.ts';

function row(id: string, minute: number, more: Partial<TaskRow> = {}): TaskRow {
  const at = `2030-01-01T12:${String(minute).padStart(2, '0')}:00.000Z`;
  return {
    id,
    agentId: 'echo',
    contextId: 'c',
    ownerId: 'o',
    state: 'TASK_STATE_WORKING',
    seq: 2,
    createdAt: at,
    statusAt: at,
    title: `title of ${id}`,
    statusText: '',
    ...more,
  };
}

const listOf = (...tasks: TaskRow[]) => listedRows(NO_ROWS, [{ tasks }]);
const listed = listOf(row('a', 3), row('b', 2), row('c', 1));
const isListed = (id: string) => listed.places.has(id);
const change = (of: TaskRow) => ({ ...of, title: null });
const STANDING: Looking = { isFollowing: false, sentIds: new Set() };
const FOLLOWING: Looking = { ...STANDING, isFollowing: true };
const idsOf = ({ rows }: { readonly rows: readonly TaskRow[] }) => rows.map(({ id }) => id);

describe('[U1] a list that is live', () => {
  it('changes a row where it stands, and keeps its title', () => {
    const done = row('b', 9, { state: 'TASK_STATE_COMPLETED', seq: 4 });
    const live = withChanges(NO_LIVE_ROWS, [change(done)], {}, isListed);
    expect(mergeRows(listed, live, {}, STANDING).rows.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'a TASK_STATE_WORKING',
      'b TASK_STATE_COMPLETED',
      'c TASK_STATE_WORKING',
    ]);
    expect(mergeRows(listed, live, {}, STANDING).rows[1]?.title).toBe('title of b');
  });

  it('counts what is new, and shows it in its order while following', () => {
    const live = withChanges(NO_LIVE_ROWS, [row('new', 8)], {}, isListed);
    expect([...live.fresh]).toEqual(['new']);
    expect(mergeRows(listed, live, {}, STANDING).rows).toHaveLength(3);
    expect(mergeRows(listed, live, {}, FOLLOWING).rows.map(({ id }) => id)).toEqual(['new', 'a', 'b', 'c']);
  });

  it('shows what was sent from here at once, and in an empty list all that fits', () => {
    const live = withChanges(NO_LIVE_ROWS, [row('new', 8), row('own', 7)], {}, isListed);
    const merged = mergeRows(listed, live, {}, { ...STANDING, sentIds: new Set(['own']) });
    expect(idsOf(merged)).toEqual(['own', 'a', 'b', 'c']);
    expect(merged.waiting).toBe(1);
    expect(idsOf(mergeRows(NO_ROWS, live, {}, STANDING))).toEqual(['new', 'own']);
    // Whether the words are in it only the server knows.
    expect(mergeRows(NO_ROWS, live, { text: 'oven' }, STANDING)).toEqual({ rows: [], waiting: 2 });
  });

  it('does not count as new what the list, read again, has in its pages', () => {
    const live = withChanges(NO_LIVE_ROWS, [row('new', 8)], {}, isListed);
    expect(mergeRows(listed, live, {}, STANDING).waiting).toBe(1);
    expect(mergeRows(listOf(row('new', 8), row('a', 3)), live, {}, STANDING).waiting).toBe(0);
  });

  it('does not count what its conditions keep out; while following, what fits no more is gone', () => {
    const working = { state: 'TASK_STATE_WORKING' };
    const done = row('b', 9, { state: 'TASK_STATE_COMPLETED', seq: 4 });
    const live = withChanges(
      NO_LIVE_ROWS,
      [change(done), row('new', 8, { agentId: 'other' })],
      { ...working, agent: 'echo' },
      isListed,
    );
    expect(live.fresh.size).toBe(0);
    expect(mergeRows(listed, live, working, STANDING).rows).toHaveLength(3);
    expect(mergeRows(listed, live, working, FOLLOWING).rows.map(({ id }) => id)).toEqual(['a', 'c']);
  });

  it('goes on page by page; a task that is in two of them is shown once, where it is newer', () => {
    const [first, second] = [{ tasks: [row('a', 3), row('b', 2)] }, { tasks: [row('b', 1), row('c', 0)] }];
    const one = listedRows(NO_ROWS, [first]);
    const both = listedRows(one, [first, second]);
    expect(both.rows.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(both.rows[1]?.statusAt).toBe(first.tasks[1]?.statusAt);
    expect(one.rows).toHaveLength(2);
    expect(listedRows(both, [first, second])).toBe(both);
    // Read again from its beginning
    expect(listedRows(both, [{ tasks: [row('c', 9)] }]).rows.map(({ id }) => id)).toEqual(['c']);
    expect(listedRows(both, [second]).rows.map(({ id }) => id)).toEqual(['b', 'c']);
  });

  it('never goes back to an older event', () => {
    const newer = withChanges(NO_LIVE_ROWS, [row('b', 9, { seq: 5 })], {}, isListed);
    const live = withChanges(newer, [row('b', 8, { seq: 4 })], {}, isListed);
    expect(live.changed.get('b')?.seq).toBe(5);
    expect(mergeRows(listOf(row('b', 9, { seq: 6 })), live, {}, STANDING).rows[0]?.seq).toBe(6);
  });

  it('leaves words of texts that it has not read to the server', () => {
    expect(fits(change(row('a', 1)), { text: 'oven' })).toBeUndefined();
    expect(fits(row('a', 1, { title: 'The Oven' }), { text: 'oven' })).toBe(true);
  });
});
