// Arm: the physical limit. node:http + JSON, no framework, no protocol checks, no authentication.
// usage: node arms/raw-http.mjs --port N [--db FILE [--sync FULL]]
// Without --db the tasks live in a Map. With --db a send is one SQLite row, and each event of a /stream task is one more;
// everything that waits in the same turn of the event loop shares one transaction, and nothing is answered before it.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { openStore } from './raw-store.mjs';

const { values } = parseArgs({
  options: { port: { type: 'string' }, db: { type: 'string' }, sync: { type: 'string', default: 'FULL' } },
});
const store = await openStore(values.db, values.sync);
const running = new Map(); // task id -> { task, subscribers }
const now = () => new Date().toISOString();

function makeTask(message) {
  const id = randomUUID();
  const contextId = message.contextId ?? randomUUID();
  return {
    id,
    contextId,
    status: { state: 'TASK_STATE_COMPLETED', timestamp: now() },
    artifacts: [
      { artifactId: `a-${id}`, name: 'echo', parts: [{ text: message.parts[0].text, mediaType: 'text/plain' }] },
    ],
    history: [{ ...message, contextId, taskId: id }],
  };
}

/** Stores a task; calls back with its JSON when it is durable. Artifacts are kept apart: ListTasks leaves them out. */
function save(task, done) {
  const { artifacts, ...rest } = task;
  store.put(task.id, JSON.stringify(rest), JSON.stringify(artifacts), done);
}

const envelope = (id, resultJson) => `{"jsonrpc":"2.0","id":${id},"result":${resultJson}}`;

function reply(res, id, resultJson) {
  const body = Buffer.from(envelope(id, resultJson));
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  res.end(body);
}

/** Starts a stream and returns the subscriber: one function that takes the JSON of a StreamResponse. */
function openStream(res, id) {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  return (resultJson) => res.write(`data: ${envelope(id, resultJson)}\n\n`);
}

const statusUpdate = (task, state) =>
  JSON.stringify({ statusUpdate: { taskId: task.id, contextId: task.contextId, status: { state, timestamp: now() } } });

const artifactUpdate = (task, artifact, flags) =>
  JSON.stringify({ artifactUpdate: { taskId: task.id, contextId: task.contextId, artifact, ...flags } });

const COMMAND = /^\/stream count=(\d+) interval=(\d+) delay=(\d+)/;
const later = (ms) => new Promise((resolve) => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)));

/** Runs `/stream count=N interval=MS delay=MS`: each event goes to the subscribers once its row is durable. */
async function runCommand(task, [count, interval, delay]) {
  const subscribers = new Set();
  running.set(task.id, { task, subscribers });
  let seq = 0;
  const append = (json) =>
    new Promise((resolve) => {
      store.append(task.id, ++seq, json, () => {
        for (const subscriber of subscribers) subscriber.write(json);
        resolve();
      });
    });
  append(statusUpdate(task, 'TASK_STATE_WORKING'));
  await later(delay);
  for (let i = 0; i < count; i++) {
    const parts = [{ text: `tick ${i} t=${Date.now()} `, mediaType: 'text/plain' }];
    const flags = { append: i > 0, lastChunk: i === count - 1 };
    append(artifactUpdate(task, { artifactId: `a-${task.id}`, name: 'echo', parts }, flags));
    await later(interval);
  }
  task.status = { state: 'TASK_STATE_COMPLETED', timestamp: now() };
  const json = await new Promise((resolve) => {
    save(task, resolve);
    append(statusUpdate(task, 'TASK_STATE_COMPLETED')); // done in the same turn, so before the subscribers' end
  });
  running.delete(task.id);
  for (const subscriber of subscribers) subscriber.end();
  return json;
}

function start(message) {
  const task = makeTask(message);
  const command = COMMAND.exec(message.parts[0].text)?.slice(1).map(Number);
  if (command) task.status.state = 'TASK_STATE_WORKING';
  return { task, command };
}

const methods = {
  SendMessage(res, id, params) {
    const { task, command } = start(params.message);
    if (!command) save(task, (json) => reply(res, id, `{"task":${json}}`));
    else if (params.configuration?.returnImmediately) {
      const json = JSON.stringify({ task: { ...task, artifacts: undefined } });
      store.append(task.id, 0, json, () => reply(res, id, json));
      runCommand(task, command);
    } else runCommand(task, command).then((json) => reply(res, id, `{"task":${json}}`));
  },

  SendStreamingMessage(res, id, params) {
    const { task, command } = start(params.message);
    const submitted = { ...task, artifacts: undefined, status: { ...task.status, state: 'TASK_STATE_SUBMITTED' } };
    if (command) {
      const write = openStream(res, id);
      write(JSON.stringify({ task: submitted }));
      runCommand(task, command);
      running.get(task.id).subscribers.add({ write, end: () => res.end() });
      return;
    }
    save(task, () => {
      const write = openStream(res, id);
      write(JSON.stringify({ task: submitted }));
      write(statusUpdate(task, 'TASK_STATE_WORKING'));
      write(artifactUpdate(task, task.artifacts[0], { lastChunk: true }));
      write(statusUpdate(task, 'TASK_STATE_COMPLETED'));
      res.end();
    });
  },

  SubscribeToTask(res, id, params) {
    const { task, subscribers } = running.get(params.id);
    const write = openStream(res, id);
    write(JSON.stringify({ task }));
    const subscriber = { write, end: () => res.end() };
    subscribers.add(subscriber);
    res.once('close', () => subscribers.delete(subscriber));
  },

  GetTask(res, id, params) {
    reply(res, id, store.get(params.id));
  },

  ListTasks(res, id, params) {
    const { rows, total } = store.list(params.pageSize ?? 50);
    reply(res, id, `{"tasks":[${rows.join(',')}],"nextPageToken":"","pageSize":${rows.length},"totalSize":${total}}`);
  },
};

const server = http.createServer((req, res) => {
  if (req.method === 'GET') {
    res.setHeader('content-type', 'application/json');
    res.end('{"name":"raw"}');
    return;
  }
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const { id, method, params } = JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    methods[method](res, JSON.stringify(id), params);
  });
});
server.listen(Number(values.port), '127.0.0.1');
process.on('SIGTERM', () => {
  server.closeAllConnections();
  process.exit(0);
});
