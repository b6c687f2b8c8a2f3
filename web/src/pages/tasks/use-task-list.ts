/** A live list: the pages that were read, and what has come since. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { followList } from '../../api/live.ts';
import { listTasks, sentTaskIds, type TaskConditions, type TaskRow, taskListQuery } from '../../api/tasks.ts';
import { useStore } from '../../lib/store.ts';
import { useThrottled } from '../../lib/use-throttled.ts';
import {
  type LiveRows,
  listedRows,
  mergeRows,
  NO_LIVE_ROWS,
  NO_ROWS,
  type TaskChange,
  withChanges,
} from './live-rows.ts';

/** Counts are asked for at most this often while tasks change. */
const COUNTS_MS = 2000;
/** Titles asked for at once. */
const MAX_TITLES = 100;
/** A longer list is read again when it is asked for: all of its pages at once would be too much. */
const MAX_REREAD_PAGES = 3;

export function useTaskList(conditions: TaskConditions, isFollowing: boolean) {
  const client = useQueryClient();
  const listQuery = useMemo(() => taskListQuery(conditions), [conditions]);
  const list = useInfiniteQuery({ ...listQuery, staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false });
  const { data } = list;
  const [live, setLive] = useState<LiveRows>(NO_LIVE_ROWS);
  const [isOutdated, setOutdated] = useState(false);
  const [counts, setCounts] = useState<Readonly<Record<string, number>> | null>(null);

  const before = useRef(NO_ROWS);
  const listed = useMemo(() => (before.current = listedRows(before.current, data?.pages ?? [])), [data]);
  const latest = useRef({ listed, conditions, isFollowing });
  latest.current = { listed, conditions, isFollowing };

  /** Reads the list from its beginning. */
  const reload = useCallback(async () => {
    // Before it is read: what comes meanwhile may not be in the answer.
    setLive(NO_LIVE_ROWS);
    setOutdated(false);
    await client.resetQueries({ queryKey: listQuery.queryKey });
  }, [client, listQuery]);

  // Another list has seen nothing yet
  useEffect(() => {
    setLive(NO_LIVE_ROWS);
    setOutdated(false);
  }, [listQuery]);
  useEffect(() => setCounts(data?.pages.at(-1)?.counts ?? null), [data]);

  const countRuns = useRef(0);
  const refreshCounts = useThrottled(COUNTS_MS, async () => {
    const { conditions: asked } = latest.current;
    const { owner, agent } = asked;
    const run = ++countRuns.current;
    const answer = await listTasks({ ...(owner && { owner }), ...(agent && { agent }), pageSize: '1' }).catch(
      () => null,
    );
    // Not of another list, and not the older of two.
    if (answer !== null && asked === latest.current.conditions && run === countRuns.current) setCounts(answer.counts);
  });

  useEffect(() => {
    let waiting: TaskChange[] = [];
    let frame = 0;
    let isOver = false;
    const readAgain = async () => {
      // One that is under way may have been answered already: it says nothing about now.
      await client.ensureInfiniteQueryData(listQuery).catch(() => undefined);
      const pages = client.getQueryData(listQuery.queryKey)?.pages ?? [];
      if (isOver) return;
      if (pages.length <= MAX_REREAD_PAGES) void client.invalidateQueries({ queryKey: listQuery.queryKey });
      // Who follows looks at the beginning; nobody else is taken away from where they are.
      else if (latest.current.isFollowing) void reload();
      else if ((await isChanged(conditions, pages[0]?.tasks ?? [])) && !isOver) setOutdated(true);
    };
    const flush = () => {
      frame = 0;
      const changes = waiting;
      waiting = [];
      const { conditions: now, listed: rows } = latest.current;
      setLive((held) => withChanges(held, changes, now, (id) => rows.places.has(id)));
      refreshCounts();
    };
    const unfollow = followList({
      onChanges: ({ changes, isIncomplete }) => {
        if (isIncomplete) void readAgain();
        waiting.push(...changes);
        // Once per frame; where the page is hidden no frame comes, and then there is no connection either.
        if (frame === 0) frame = requestAnimationFrame(flush);
      },
      // What happened between the reading of the list and this moment is told by nobody.
      onOpen: () => void readAgain(),
    });
    return () => {
      isOver = true;
      cancelAnimationFrame(frame);
      unfollow();
    };
  }, [client, conditions, listQuery, refreshCounts, reload]);

  // What is kept in order with each change must not be long.
  useEffect(() => {
    const pages = client.getQueryData(listQuery.queryKey)?.pages.length ?? 0;
    if (isFollowing && pages > MAX_REREAD_PAGES) void reload();
  }, [isFollowing, client, listQuery, reload]);

  useMissingTitles(live, setLive);
  const sentIds = useStore(sentTaskIds);
  const { rows, waiting } = useMemo(
    () => mergeRows(listed, live, conditions, { isFollowing, sentIds }),
    [listed, live, conditions, isFollowing, sentIds],
  );
  return { list, rows, live, counts, reload, newCount: waiting, isOutdated };
}

/** The latest change of any task is on top of a list: where the first page is as it was, all of them are. */
async function isChanged(conditions: TaskConditions, before: readonly TaskRow[]): Promise<boolean> {
  const answer = await listTasks({ ...conditions, pageSize: String(Math.max(1, before.length)) }).catch(() => null);
  const marks = (rows: readonly TaskRow[]) => rows.map(({ id, seq }) => `${id} ${seq}`).join();
  return answer === null || marks(answer.tasks) !== marks(before);
}

/** A task that began before this list was opened comes without its title: it is asked for. */
function useMissingTitles(live: LiveRows, setLive: (change: (before: LiveRows) => LiveRows) => void): void {
  const asked = useRef(new Set<string>());
  useEffect(() => {
    // Another list, or read anew
    if (live === NO_LIVE_ROWS) asked.current.clear();
    const missing = [...live.fresh]
      .filter((id) => live.changed.get(id)?.title === null && !asked.current.has(id))
      .slice(0, MAX_TITLES);
    if (missing.length === 0) return;
    for (const id of missing) asked.current.add(id);
    void listTasks({ ids: missing.join(',') })
      .then(({ tasks }) =>
        setLive((before) => {
          const changed = new Map(before.changed);
          for (const { id, title } of tasks) {
            const row = changed.get(id);
            if (row !== undefined) changed.set(id, { ...row, title });
          }
          return { ...before, changed };
        }),
      )
      // With the next change
      .catch(() => missing.forEach((id) => asked.current.delete(id)));
  }, [live, setLive]);
}
