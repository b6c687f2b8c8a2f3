/**
 * The one live connection of a tab. Views say what they follow; the connection is open while anybody follows anything and
 * the page is seen. After a break it names the events that it holds, so that nothing is missed and nothing comes twice.
 */
import type { FollowTasksRequest, LiveFrame, LiveFrameName } from '../../../src/http/admin/live-contract.ts';
import { createStore } from '../lib/store.ts';
import { query, request, signedOut } from './client.ts';

/** `paused`: the page is hidden. */
export type LiveStatus = 'idle' | 'connecting' | 'live' | 'paused' | 'error';
type Data<Name extends LiveFrameName> = Extract<LiveFrame, { name: Name }>['data'];

interface ListFollower {
  readonly onChanges: (data: Data<'tasks'>) => void;
  /** From now on changes are told: what happened before is not, be it that the connection was made, or made again. */
  readonly onOpen: () => void;
}
interface TaskFollower {
  /** The last event that the follower holds; moves on with each that it is given. */
  after: number;
  readonly onEvent: (data: Data<'event'>) => void;
  readonly onSnapshot: (data: Data<'snapshot'>) => void;
  readonly onEnd: () => void;
  readonly onRefused: (message: string) => void;
}

const PATH = '/api/v1/live';
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
/** So many heartbeats may be late. */
const SILENT_BEATS = 3;
/** What a connection is told is told in order: one word that hangs would hold up all others. */
const TELL_LIMIT_MS = 5000;
/** Between two views there may be nobody for a moment. */
const LINGER_MS = 1000;

export const liveStatus = createStore<LiveStatus>('idle');

const listFollowers = new Set<ListFollower>();
const taskFollowers = new Map<string, TaskFollower>();
let source: EventSource | null = null;
let liveId: string | null = null;
/** Whether the connection was asked for the list. */
let isWithList = false;
let delayMs = FIRST_DELAY_MS;
let timer = 0;
/** A connection that says nothing for so long is broken, whatever the browser thinks of it. */
let silenceMs = 45_000;
let silence = 0;
/** What the open connection is told, in its order. */
let changes: Promise<void> = Promise.resolve();

export function followList(follower: ListFollower): () => void {
  listFollowers.add(follower);
  if (source === null) schedule(0);
  else if (!isWithList) reopen();
  else if (liveId !== null) follower.onOpen();
  return () => {
    listFollowers.delete(follower);
    closeIfUnused();
  };
}

/** One follower per task: the page of the task. */
export function followTask(taskId: string, follower: TaskFollower): () => void {
  taskFollowers.set(taskId, follower);
  if (liveId !== null) change({ add: [{ id: taskId, after: follower.after }] });
  else if (source === null) schedule(0);
  // Between open and hello nobody can say what is in the request already.
  else reopen();
  return () => {
    if (taskFollowers.get(taskId) !== follower) return;
    taskFollowers.delete(taskId);
    // Also where nobody follows anything for a moment: there is a limit to how many are followed.
    change({ remove: [taskId] });
    closeIfUnused();
  };
}

const isWanted = () => listFollowers.size > 0 || taskFollowers.size > 0;

/** One after the other: a task that is left and come back to must not be left last. */
function change(body: FollowTasksRequest): void {
  const id = liveId;
  if (id === null) return;
  changes = changes.then(async () => {
    if (liveId !== id) return;
    try {
      await request<null>(`${PATH}/${encodeURIComponent(id)}/tasks`, {
        method: 'POST',
        body,
        timeLimitMs: TELL_LIMIT_MS,
      });
    } catch {
      // The stream is gone, or cannot be told: a new one says in its address what is followed.
      if (liveId === id) reopen();
    }
  });
}

function schedule(ms: number): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(open, ms);
}

function reopen(): void {
  close();
  schedule(0);
}

function close(): void {
  window.clearTimeout(silence);
  source?.close();
  source = null;
  liveId = null;
}

function closeIfUnused(): void {
  if (isWanted()) return;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    if (isWanted()) return;
    close();
    liveStatus.set('idle');
  }, LINGER_MS);
}

function open(): void {
  if (source !== null || !isWanted()) return;
  if (document.hidden) {
    liveStatus.set('paused');
    return;
  }
  liveStatus.set('connecting');
  const tasks = [...taskFollowers].map(([id, { after }]) => `${id}:${after}`).join(',');
  isWithList = listFollowers.size > 0;
  const opened = new EventSource(`${PATH}${query({ list: String(isWithList), tasks })}`);
  source = opened;
  listen();
  const on = <Name extends LiveFrameName>(name: Name, take: (data: Data<Name>) => void) => {
    opened.addEventListener(name, (event: MessageEvent<string>) => {
      if (source !== opened) return;
      take(JSON.parse(event.data) as Data<Name>);
      if (source === opened) listen();
    });
  };
  on('hello', (data) => {
    liveId = data.liveId;
    silenceMs = data.heartbeatMs * SILENT_BEATS;
    delayMs = FIRST_DELAY_MS;
    liveStatus.set('live');
    for (const follower of listFollowers) follower.onOpen();
  });
  on('beat', () => undefined);
  on('tasks', (data) => {
    for (const follower of listFollowers) follower.onChanges(data);
  });
  on('event', (data) => {
    const follower = taskFollowers.get(data.taskId);
    if (follower === undefined || data.seq <= follower.after) return;
    // Told to one who has left: who has come back since holds less than that.
    if (data.seq > follower.after + 1) return reopen();
    follower.after = data.seq;
    follower.onEvent(data);
  });
  on('snapshot', (data) => {
    const follower = taskFollowers.get(data.taskId);
    if (follower === undefined) return;
    follower.after = data.seq;
    follower.onSnapshot(data);
  });
  on('end', ({ taskId, seq }) => {
    const follower = taskFollowers.get(taskId);
    if (follower !== undefined && seq > follower.after) return reopen();
    taskFollowers.delete(taskId);
    follower?.onEnd();
    closeIfUnused();
  });
  on('refused', ({ taskId, message }) => {
    const follower = taskFollowers.get(taskId);
    taskFollowers.delete(taskId);
    follower?.onRefused(message);
    closeIfUnused();
  });
  // Whoever is still signed in, be it with less than before, goes on with a new one.
  on('bye', retry);
  // The browser would try again by itself, with the address of before: it does not know what is held by now.
  opened.addEventListener('error', () => {
    if (source === opened) retry();
  });
}

function listen(): void {
  window.clearTimeout(silence);
  silence = window.setTimeout(retry, silenceMs);
}

function retry(): void {
  close();
  liveStatus.set('error');
  // It does not say why: the session may be over, or the server gone.
  signedOut.notify();
  schedule(delayMs + Math.random() * delayMs);
  delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
}

document.addEventListener('visibilitychange', () => {
  if (!isWanted()) return;
  if (document.hidden) {
    window.clearTimeout(timer);
    close();
    liveStatus.set('paused');
  } else schedule(0);
});
// What is cut off may look open for minutes.
window.addEventListener('offline', () => source !== null && retry());
window.addEventListener('online', () => isWanted() && source === null && schedule(0));
