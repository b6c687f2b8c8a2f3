// Arm: the official @a2a-js/sdk server on express, JSON-RPC binding, A2A 1.0.
// usage: node arms/a2a-sdk.mjs --port N --store memory|sqlite|postgres [--db FILE|URL] [--sync NORMAL|FULL]

import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { TaskState } from '@a2a-js/sdk';
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import express from 'express';

const { values: opt } = parseArgs({
  options: {
    port: { type: 'string' },
    store: { type: 'string', default: 'memory' },
    db: { type: 'string' },
    sync: { type: 'string', default: 'NORMAL' },
    pool: { type: 'string', default: '8' },
  },
});
const port = Number(opt.port);

async function makeStore() {
  if (opt.store === 'memory') return new InMemoryTaskStore();
  const { DatabaseTaskStore } = await import('@a2a-js/sdk/server/database');
  const { Kysely, PostgresDialect, SqliteDialect } = await import('kysely');
  if (opt.store === 'sqlite') {
    const { default: Sqlite } = await import('better-sqlite3');
    const database = new Sqlite(opt.db);
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${opt.sync}`);
    return new DatabaseTaskStore(new Kysely({ dialect: new SqliteDialect({ database }) }));
  }
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: opt.db, max: Number(opt.pool) });
  return new DatabaseTaskStore(new Kysely({ dialect: new PostgresDialect({ pool }) }));
}

const textPart = (value) => ({
  content: { $case: 'text', value },
  metadata: undefined,
  filename: '',
  mediaType: 'text/plain',
});
const now = () => new Date().toISOString();
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const tick = () => new Promise((r) => setImmediate(r));

// The bench agent. Plain text is echoed as one artifact. The text
// "/stream count=N interval=MS delay=MS" keeps the task working, waits
// `delay`, then publishes N artifact chunks (the last completes the task).
const bench = {
  async execute(rc, bus) {
    const { taskId, contextId, userMessage } = rc;
    const input = userMessage.parts?.[0]?.content?.value ?? '';
    const status = (state) =>
      bus.publish(
        AgentEvent.statusUpdate({
          taskId,
          contextId,
          status: { state, message: undefined, timestamp: now() },
          metadata: undefined,
        }),
      );
    const artifact = (text, append, lastChunk) =>
      bus.publish(
        AgentEvent.artifactUpdate({
          taskId,
          contextId,
          append,
          lastChunk,
          metadata: undefined,
          artifact: {
            artifactId: `a-${taskId}`,
            name: 'echo',
            description: '',
            parts: [textPart(text)],
            metadata: undefined,
            extensions: [],
          },
        }),
      );
    bus.publish(
      AgentEvent.task({
        id: taskId,
        contextId,
        artifacts: [],
        history: [userMessage],
        metadata: undefined,
        status: { state: TaskState.TASK_STATE_SUBMITTED, timestamp: now(), message: undefined },
      }),
    );
    status(TaskState.TASK_STATE_WORKING);
    const m = /^\/stream count=(\d+) interval=(\d+) delay=(\d+)/.exec(input);
    if (m) {
      const [count, interval, delay] = m.slice(1).map(Number);
      await sleep(delay);
      for (let i = 0; i < count; i++) {
        artifact(`tick ${i} t=${Date.now()} `, i > 0, i === count - 1);
        await (interval > 0 ? sleep(interval) : tick());
      }
    } else {
      artifact(input, false, true);
    }
    status(TaskState.TASK_STATE_COMPLETED);
    bus.finished();
  },
  async cancelTask(taskId, bus) {
    bus.publish(
      AgentEvent.statusUpdate({
        taskId,
        contextId: '',
        status: { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: now() },
        metadata: undefined,
      }),
    );
    bus.finished();
  },
};

const card = {
  name: 'Bench echo',
  description: 'echo agent for benchmarks',
  version: '1.0.0',
  supportedInterfaces: [
    { url: `http://127.0.0.1:${port}/a2a`, protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' },
  ],
  provider: undefined,
  documentationUrl: undefined,
  iconUrl: undefined,
  capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
  securitySchemes: {},
  securityRequirements: [],
  signatures: [],
  defaultInputModes: ['text/plain'],
  defaultOutputModes: ['text/plain'],
  skills: [
    {
      id: 'echo',
      name: 'Echo',
      description: `echoes text (${randomUUID()})`,
      tags: ['bench'],
      examples: [],
      inputModes: [],
      outputModes: [],
      securityRequirements: [],
    },
  ],
};

const handler = new DefaultRequestHandler(card, await makeStore(), bench);
const app = express();
app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: handler }));
app.use('/a2a', jsonRpcHandler({ requestHandler: handler, userBuilder: UserBuilder.noAuthentication }));
const server = app.listen(port, '127.0.0.1', () => console.log('ready', port));
process.on('SIGTERM', () => {
  server.closeAllConnections();
  process.exit(0);
});
