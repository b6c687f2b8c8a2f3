// The A2A loads on one connection pool: sends, gets, lists, and one long streamed task at a time.
import { cpuSeconds } from '../harness/proc.mjs';
import { quantile, round } from '../harness/stats.mjs';
import { shoot } from './client.mjs';
import { closedLoop } from './closed-loop.mjs';

const CONNECTIONS = 32;
const LIST_CONNECTIONS = 8;
const SETUP_CONNECTIONS = 16;

/** SendMessage, blocking: the answer is the completed task. */
export function send(target, options) {
  const text = JSON.stringify(options.text);
  const make = () => target.rpcBody('SendMessage', target.sendParams(text));
  return closedLoop(target, options, make, { connections: options.connections ?? CONNECTIONS });
}

/** The same, but the agent awaits a timer between its events: no two of them can share a commit. */
export function awaiting(target, options) {
  return send(target, { ...options, text: options.command });
}

/** SendStreamingMessage, read to the end. */
export function stream(target, options) {
  const text = JSON.stringify(options.text);
  const make = () => target.rpcBody('SendStreamingMessage', target.sendParams(text));
  const connections = options.connections ?? CONNECTIONS;
  return closedLoop(target, options, make, { connections, headers: target.streamHeaders, needsEvents: true });
}

/** GetTask over `ids` tasks in random order. */
export async function get(target, options) {
  const tasks = options.ensure > 0 ? await ensureTasks(target, options) : undefined;
  const pool = target.pool(SETUP_CONNECTIONS);
  const text = JSON.stringify(options.text);
  const ids = await Promise.all(
    Array.from({ length: options.ids }, async () => {
      const { task } = await target.call(pool, 'SendMessage', target.sendParams(text));
      return task.id;
    }),
  );
  await pool.close();
  const make = () => target.rpcBody('GetTask', `{"id":"${ids[Math.floor(Math.random() * ids.length)]}"}`);
  return { tasks, ...(await closedLoop(target, options, make, { connections: options.connections ?? CONNECTIONS })) };
}

/** ListTasks, the first page. */
export async function list(target, options) {
  const tasks = await ensureTasks(target, options);
  const make = () => target.rpcBody('ListTasks', `{"pageSize":${options.pageSize}}`);
  return {
    tasks,
    ...(await closedLoop(target, options, make, { connections: options.connections ?? LIST_CONNECTIONS })),
  };
}

/** Creates tasks until the server has `options.ensure`; returns how many it has. */
async function ensureTasks(target, options) {
  const pool = target.pool(SETUP_CONNECTIONS);
  const text = JSON.stringify(options.text);
  try {
    const total = async () => Number((await target.call(pool, 'ListTasks', '{"pageSize":1}')).totalSize ?? 0);
    const present = await total();
    let left = options.ensure - present;
    if (left <= 0) return present;
    const worker = async () => {
      while (left-- > 0) await target.call(pool, 'SendMessage', target.sendParams(text));
    };
    await Promise.all(Array.from({ length: SETUP_CONNECTIONS }, worker));
    return await total();
  } finally {
    await pool.close();
  }
}

/** Streamed tasks of `ticks` artifact chunks each, one at a time: what a chunk costs as its task grows. */
export async function chunks(target, options) {
  const { ticks } = options;
  const pool = target.pool(1);
  const times = [];
  let events = 0;
  let bad = 0;
  const text = JSON.stringify(`/stream count=${ticks} interval=${options.intervalMs} delay=0`);
  const before = cpuSeconds(target.pids);
  for (let i = 0; i < (options.count ?? 3); i++) {
    const start = performance.now();
    const body = target.rpcBody('SendStreamingMessage', target.sendParams(text));
    const answer = await shoot(pool, target.path, target.streamHeaders, body);
    times.push(performance.now() - start);
    events += answer.events;
    if (!answer.ok || answer.events < ticks) bad++;
  }
  const cpu = cpuSeconds(target.pids) - before;
  await pool.close();
  const msPerTask = quantile(times, 0.5);
  return {
    chunks: ticks,
    tasks: times.length,
    bad,
    msPerTask: round(msPerTask, 1),
    msPerChunk: round(msPerTask / ticks, 4),
    ...(target.pids.length > 0 && { cpuMsPerChunk: round((cpu * 1000) / events, 4) }),
  };
}
