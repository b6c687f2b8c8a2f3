/** What clients were answered: sends, cancels, reads and lists. */
import type { AnsweredLine, CancelingLine, JournalLine, ListedLine, ReadLine, SentLine } from '../journal.ts';
import { factsOf } from './events.ts';
import type { Report } from './findings.ts';
import type { Stored, StoredTask } from './stored.ts';

/** Statuses that say: not now, or not known. The client tries again. */
const TRY_AGAIN = [429, 502, 503, 504];

export function checkAnswers(journal: readonly JournalLine[], stored: Stored, report: Report): void {
  const ownerIds = new Map<string, string>();
  const sends = new Map<number, SentLine>();
  const cancels = new Map<number, CancelingLine>();
  const tasksOfMessage = new Map<string, Set<string>>();
  const known = new Known();
  for (const line of journal) {
    switch (line.kind) {
      case 'owner':
        ownerIds.set(line.owner, line.ownerId);
        break;
      case 'sent':
        sends.set(line.op, line);
        break;
      case 'canceling':
        cancels.set(line.op, line);
        break;
      case 'event':
        known.told(line.taskId, line.seq, line.at);
        checkOwner(line.taskId, ownerIds.get(line.owner), stored, report);
        break;
      case 'answered': {
        const send = sends.get(line.op);
        const cancel = cancels.get(line.op);
        if (line.status === 500)
          report('server-error', line.taskId, `operation ${line.op}, ${line.form}: ${line.error}`);
        if (send !== undefined) checkSend(send, line, ownerIds, stored, tasksOfMessage, report);
        else if (cancel !== undefined) checkCancel(cancel, line, stored, report);
        break;
      }
      case 'read':
        checkRead(line, ownerIds.get(line.owner), stored, known, report);
        break;
      case 'unreadable':
        report('server-error', null, `the answer to ${line.path} by ${line.form} cannot be read`);
        break;
      case 'crashed':
        report('crashed', null, `${line.replica}, at ${line.at}`);
        break;
      case 'listed':
        checkList(line, ownerIds.get(line.owner), stored, report);
        break;
      default:
        break;
    }
  }
  for (const [messageId, taskIds] of tasksOfMessage) {
    if (taskIds.size > 1) report('key-used-twice', null, `message ${messageId}: ${[...taskIds].join(', ')}`);
  }
  checkMessagesOnce(stored, report);
}

/** The highest number of an event of each task that anybody had got, and when. */
class Known {
  readonly #told = new Map<string, { seq: number; at: number }[]>();

  told(taskId: string, seq: number, at: number): void {
    const told = this.#told.get(taskId) ?? [];
    this.#told.set(taskId, told);
    if (seq > (told.at(-1)?.seq ?? 0)) told.push({ seq, at });
  }

  before(taskId: string, at: number): number {
    return this.#told.get(taskId)?.findLast((one) => one.at < at)?.seq ?? 0;
  }
}

function checkOwner(taskId: string, ownerId: string | undefined, stored: Stored, report: Report): void {
  const task = stored.tasks.get(taskId);
  if (task !== undefined && ownerId !== undefined && task.ownerId !== ownerId) {
    report('foreign-task', taskId, `shown to ${ownerId}, it belongs to ${task.ownerId}`);
  }
}

function checkSend(
  send: SentLine,
  { op, form, status, taskId, state, error }: AnsweredLine,
  ownerIds: ReadonlyMap<string, string>,
  stored: Stored,
  tasksOfMessage: Map<string, Set<string>>,
  report: Report,
): void {
  if (status !== 200) {
    const isForeseen = TRY_AGAIN.includes(status) || status === 500;
    if (!isForeseen)
      report('wrongly-refused', send.taskId, `operation ${op}, "${send.text}", ${form}: ${status} ${error}`);
    return;
  }
  if (taskId === null) return;
  const task = stored.tasks.get(taskId);
  if (task === undefined) {
    report('task-lost', taskId, `acknowledged in operation ${op}`);
    return;
  }
  checkOwner(taskId, ownerIds.get(send.owner), stored, report);
  const taskIds = tasksOfMessage.get(send.messageId) ?? new Set();
  tasksOfMessage.set(send.messageId, taskIds.add(taskId));
  if (state !== null && !statesOf(task).some((known) => known.state === state)) {
    report('event-lost', taskId, `operation ${op} was answered with ${state}, which its log does not have`);
  }
}

function checkCancel({ taskId }: CancelingLine, answer: AnsweredLine, stored: Stored, report: Report): void {
  if (answer.status !== 200) return;
  const task = stored.tasks.get(taskId);
  if (task === undefined) report('task-lost', taskId, `its cancel was acknowledged in operation ${answer.op}`);
  else if (task.state !== 'TASK_STATE_CANCELED') report('cancel-lost', taskId, `it is ${task.state}`);
}

function checkRead(
  { at, asked, taskId, status, state }: ReadLine,
  ownerId: string | undefined,
  stored: Stored,
  known: Known,
  report: Report,
): void {
  const task = stored.tasks.get(taskId);
  const isOwn = task !== undefined && task.ownerId === ownerId;
  if (status === 500) report('server-error', taskId, 'a read was answered with 500');
  if (status === 404 && isOwn) report('task-lost', taskId, 'its owner was told that it is not there');
  if (status !== 200 || task === undefined) return;
  checkOwner(taskId, ownerId, stored, report);
  const from = known.before(taskId, asked);
  if (state !== null && isOwn && !statesOf(task).some((one) => one.state === state && one.until >= from)) {
    report('stale-read', taskId, `${state} at ${at}, though event ${from} had been told before ${asked}`);
  }
}

function checkList(line: ListedLine, ownerId: string | undefined, stored: Stored, report: Report): void {
  for (const taskId of line.taskIds) checkOwner(taskId, ownerId, stored, report);
  if (!line.isFinal) return;
  const own = [...stored.tasks.values()].filter((task) => task.ownerId === ownerId && task.agentId === line.agent);
  const missing = own.filter((task) => task.isListed && !line.taskIds.includes(task.id));
  const extra = line.taskIds.length - new Set(line.taskIds).size;
  for (const { id } of missing) report('list-differs', id, `${line.owner} does not see it in its list by ${line.form}`);
  if (extra > 0) report('list-differs', null, `${line.owner} sees ${extra} tasks more than once`);
  const listed = own.filter((task) => task.isListed).length;
  if (line.totalSize !== null && line.totalSize !== listed)
    report('list-differs', null, `totalSize is ${line.totalSize}, there are ${listed}`);
}

/** The states of a task in their order, and up to which event each lasted. */
function statesOf(task: StoredTask): { readonly state: string; readonly until: number }[] {
  const changes = task.events.flatMap(({ seq, body }) => {
    const { state } = factsOf(body);
    return state === null ? [] : [{ state, seq }];
  });
  return changes.map(({ state }, index) => ({
    state,
    until: (changes[index + 1]?.seq ?? Number.POSITIVE_INFINITY) - 1,
  }));
}

/** Each message of a client has an id of its own here: it must be in the log of one task only, and there once. */
function checkMessagesOnce({ tasks }: Stored, report: Report): void {
  const taskOfMessage = new Map<string, string>();
  for (const task of tasks.values()) {
    for (const { body, userMessage } of task.events) {
      const continued = userMessage === null ? null : (JSON.parse(userMessage) as { messageId: string }).messageId;
      const messageId = continued ?? factsOf(body).messageId;
      if (messageId === null) continue;
      const other = taskOfMessage.get(messageId);
      if (other !== undefined) report('key-used-twice', task.id, `message ${messageId} is in ${other} too`);
      taskOfMessage.set(messageId, task.id);
    }
  }
}
