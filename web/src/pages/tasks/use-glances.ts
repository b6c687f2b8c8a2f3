/**
 * What is told of the rows in view beside the rows themselves: asked for when scrolling rests, again when a task has changed,
 * and now and then while one waits in the queue, as its place changes without it.
 */
import { useEffect, useRef, useState } from 'react';
import { type Glance, readGlances, type TaskRow } from '../../api/tasks.ts';
import { useHidden } from '../../lib/use-hidden.ts';

const REST_MS = 200;
/** Between two questions, however fast tasks change. */
const AGAIN_MS = 500;
const QUEUE_MS = 3000;
const MAX_IDS = 100;
const MAX_HELD = 2000;

export function useGlances(rows: readonly TaskRow[], isQuick: boolean): ReadonlyMap<string, Glance> {
  const [held, setHeld] = useState<ReadonlyMap<string, Glance>>(new Map());
  const latest = useRef({ rows, isQuick, held });
  latest.current = { rows, isQuick, held };
  const timer = useRef(0);
  const isOver = useRef(false);
  const isHidden = useHidden();
  const key = rows.map(({ id, seq }) => `${id} ${seq}`).join();

  useEffect(() => {
    if (isQuick || isHidden || timer.current !== 0) return;
    const askIn = (ms: number) => {
      timer.current = isOver.current ? 0 : window.setTimeout(() => void ask(), ms);
    };
    const ask = async () => {
      const { rows: inView, isQuick: isPassing, held: known } = latest.current;
      const wanted = isPassing || document.hidden ? [] : wantedRows(inView, known);
      if (wanted.length === 0) {
        timer.current = 0;
        return;
      }
      // Without an answer the rows are as they are without it.
      const glances = await readGlances(wanted.map(({ id }) => id)).catch(() => null);
      if (glances !== null) setHeld((before) => withGlances(before, wanted, glances));
      const isChanged = latest.current.rows !== inView;
      askIn(glances === null || (!isChanged && glances.some(({ queued }) => queued !== null)) ? QUEUE_MS : AGAIN_MS);
    };
    askIn(REST_MS);
  }, [key, isQuick, isHidden]);
  useEffect(() => {
    isOver.current = false;
    return () => {
      isOver.current = true;
      window.clearTimeout(timer.current);
      timer.current = 0;
    };
  }, []);
  return held;
}

/** Those of which nothing is known, or something that is no longer so. */
function wantedRows(rows: readonly TaskRow[], held: ReadonlyMap<string, Glance>): readonly TaskRow[] {
  const isOld = ({ id, seq }: TaskRow): boolean => {
    const glance = held.get(id);
    return glance === undefined || glance.seq < seq || glance.queued !== null;
  };
  return rows.filter(isOld).slice(0, MAX_IDS);
}

/** Of a row without an answer (its task was deleted) it is held that there is nothing to tell. */
function withGlances(
  before: ReadonlyMap<string, Glance>,
  wanted: readonly TaskRow[],
  glances: readonly Glance[],
): ReadonlyMap<string, Glance> {
  const after = new Map(before.size > MAX_HELD ? [] : before);
  for (const { id, seq, statusAt } of wanted) after.set(id, { id, seq, lastAt: statusAt, rate: '', queued: null });
  for (const glance of glances) after.set(glance.id, glance);
  return after;
}
