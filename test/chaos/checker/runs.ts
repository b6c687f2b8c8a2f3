/** Whether each turn was run by one process at a time, and made what it should. */
import type { JournalLine } from '../journal.ts';
import { factsOf } from './events.ts';
import type { Report } from './findings.ts';
import type { Stored, StoredTask } from './stored.ts';

/** Agents of the suite whose turns may be run once only, whatever happens. */
const ONCE_ONLY = 'steps-once';

export function checkRuns(journal: readonly JournalLine[], stored: Stored, report: Report): void {
  const textOfTask = new Map<string, string>();
  const texts = new Map<number, string>();
  const processesOfTurn = new Map<string, Set<number>>();
  for (const line of journal) {
    if (line.kind === 'sent' && line.taskId === null) texts.set(line.op, line.text);
    if (line.kind === 'answered' && line.taskId !== null) {
      const text = texts.get(line.op);
      if (text !== undefined) textOfTask.set(line.taskId, text);
    }
    if (line.kind === 'executed' && line.agent === ONCE_ONLY) {
      const turn = `${line.taskId} ${line.messageId}`;
      processesOfTurn.set(turn, (processesOfTurn.get(turn) ?? new Set()).add(line.pid));
    }
  }
  for (const [turn, pids] of processesOfTurn) {
    if (pids.size > 1) report('ran-twice', turn.split(' ')[0] ?? null, `processes ${[...pids].join(' and ')} ran it`);
  }
  for (const task of stored.tasks.values()) {
    checkInterleaving(task, report);
    checkContent(task, textOfTask.get(task.id), report);
  }
}

/** `tick 3 t=...` of the echo agent, `step 3 attempt 2 pid 41` of those of the suite. */
const STEP = /^(?:tick|step) (\d+)(?: attempt (\d+) pid (\d+))?/;

interface Step {
  readonly number: number;
  /** Of the agents that say which process ran them. */
  readonly runner: string | null;
}

function stepsIn(body: string): Step[] {
  return (factsOf(body).artifact ?? []).flatMap((text) => {
    const match = STEP.exec(text);
    if (match === null) return [];
    return [
      { number: Number(match[1]), runner: match[2] === undefined ? null : `attempt ${match[2]} pid ${match[3]}` },
    ];
  });
}

/** Once another attempt or process has taken over, none that came before may add anything. */
function checkInterleaving(task: StoredTask, report: Report): void {
  const over = new Set<string>();
  let current: string | null = null;
  for (const { seq, body } of task.events) {
    for (const { runner } of stepsIn(body)) {
      if (runner === null || runner === current) continue;
      if (over.has(runner)) report('ran-twice', task.id, `event ${seq} is of ${runner}, which ${current} had replaced`);
      if (current !== null) over.add(current);
      current = runner;
    }
  }
}

function checkContent(task: StoredTask, text: string | undefined, report: Report): void {
  if (task.state !== 'TASK_STATE_COMPLETED' || text === undefined) return;
  const wanted = /^\/stream count=(\d+)|^steps=(\d+)/.exec(text);
  if (wanted === null) return;
  const count = Number(wanted[1] ?? wanted[2]);
  const steps = task.events.filter(({ isDiscarded }) => !isDiscarded).flatMap(({ body }) => stepsIn(body));
  const isRight = steps.length === count && steps.every(({ number }, index) => number === index);
  if (!isRight) report('content-wrong', task.id, `"${text}" made ${steps.map(({ number }) => number).join(' ')}`);
}
