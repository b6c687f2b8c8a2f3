/** The server of the conformance kit, in this process: its agent does what the id of a message says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Message, Task } from '../../../src/protocol/v1/types.ts';
import { startServer } from '../../../src/server.ts';
import { agentUnderTest, type Profile } from '../../conformance/agent.mjs';
import { call, type Fields, http, type Target, textMessage, type Wire } from '../wire/wire.ts';

export interface ServerUnderTest extends Target {
  readonly ports: { readonly grpcPort: number };
  /** Streams that clients have open. */
  openStreams(): Promise<number>;
  stop(): Promise<void>;
}

export async function startUnderTest(
  profile: Profile,
  overrides: Readonly<Record<string, string | boolean>> = {},
): Promise<ServerUnderTest> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-under-test-'));
  const adminKey = `under-test-${crypto.randomUUID()}`;
  const config = loadConfig({
    env: {},
    cwd: dataDir,
    overrides: {
      dataDir,
      'server.port': 0,
      'ops.metricsPort': 0,
      'grpc.port': 0,
      'auth.adminKey': adminKey,
      // One address makes all the attempts here.
      'rateLimit.failedAuthPerMinute': 0,
      'agents.default': 'tck',
      'cards.extended': profile === 'extended-card',
      'push.allowNetworks': '127.0.0.0/8',
      'push.allowHttp': true,
      ...overrides,
    },
  });
  const server = await startServer(config, pino({ level: 'silent' }), [agentUnderTest(profile)]);
  return {
    url: server.url,
    adminKey,
    ports: { grpcPort: Number(server.grpcAddress?.split(':').at(-1)) },
    async openStreams() {
      const { text } = await http(`${server.metricsUrl}/metrics`);
      return Number(/^parley_streams_open (\d+)$/m.exec(text)?.[1] ?? 0);
    },
    async stop() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A message whose id makes the agent do what `scenario` says. */
export function messageFor(scenario: string, more: Fields = {}): Fields {
  return textMessage('hello', { messageId: `${scenario}-${crypto.randomUUID()}`, ...more });
}

/** Sends it, and gives the task or the message that is the answer. Throws with the error where there is one. */
export async function sent(
  target: Target,
  wire: Wire,
  message: Fields,
  configuration: Fields = {},
): Promise<{ readonly task?: Task; readonly message?: Message }> {
  const { result, error } = await call(target, wire, 'SendMessage', { message, configuration });
  if (error !== undefined) throw new Error(`${wire.name}: ${error.reason}: ${error.message}`);
  return result as { readonly task?: Task; readonly message?: Message };
}

export async function taskFor(
  target: Target,
  wire: Wire,
  scenario: string,
  more: Fields = {},
  configuration: Fields = {},
): Promise<Task> {
  const { task } = await sent(target, wire, messageFor(scenario, more), configuration);
  if (task === undefined) throw new Error(`${wire.name}: the answer is no task`);
  return task;
}

/** A task that works until it is canceled, which it is at the end of the test at the latest. */
export async function workingTask(target: Target, wire: Wire): Promise<Task> {
  const task = await taskFor(target, wire, 'own-work', {}, { returnImmediately: true });
  onTestFinished(async () => {
    await call(target, wire, 'CancelTask', { id: task.id });
  });
  return task;
}

/** Another caller of the same server, with tasks of its own. */
export async function stranger(target: Target, more: Fields = {}): Promise<Target> {
  const headers = { authorization: `Bearer ${target.adminKey}` };
  const { json } = await http(`${target.url}/api/v1/keys`, { headers, body: { name: 'stranger', ...more } });
  return { ...target, adminKey: (json as { key: string }).key };
}
