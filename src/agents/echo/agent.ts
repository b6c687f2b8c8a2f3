/** The built-in agent `echo`: for a first conversation, for smoke checks and for benchmarks. */
import type { Agent, AgentDescription } from '../../core/agents/registry.ts';
import type { AgentEvent, Executor, Run } from '../../core/tasks/executor.ts';
import type { AgentSkill, Part } from '../../protocol/v1/types.ts';
import { parseCommand, USAGE } from './commands.ts';

const skill = (id: string, name: string, description: string, example: string): AgentSkill => ({
  id,
  name,
  description,
  tags: ['echo', 'test'],
  examples: [example],
});

const DESCRIPTION: AgentDescription = {
  name: 'Echo',
  description: 'Sends back what it gets. Texts that begin with a command do more, to try out a client.',
  version: '1.0.0',
  capabilities: { streaming: true, pushNotifications: false },
  defaultInputModes: ['*/*', 'text/plain', 'application/json'],
  defaultOutputModes: ['text/plain', 'application/json', 'application/octet-stream'],
  skills: [
    skill('echo', 'Echo', 'Sends the parts of a message (text, files, data) back as an artifact.', 'hello'),
    skill(
      'stream',
      'Stream',
      'Waits, then sends an artifact in chunks at an interval.',
      '/stream count=5 interval=500',
    ),
    skill('ask', 'Ask', 'Asks a question (input required) and ends with the answer.', '/ask Which city?'),
    skill('sleep', 'Sleep', 'Works for so many milliseconds; can be canceled.', '/sleep 10000'),
    skill('fail', 'Fail', 'Fails with a reason.', '/fail out of coffee'),
    skill('reject', 'Reject', 'Rejects the task.', '/reject'),
    skill('file', 'File', 'Sends a small text file under a name.', '/file report.txt'),
  ],
};

const completed: AgentEvent = { type: 'status', state: 'TASK_STATE_COMPLETED' };
const working: AgentEvent = { type: 'status', state: 'TASK_STATE_WORKING' };
const textPart = (text: string): Part => ({ text, mediaType: 'text/plain' });
const say = (text: string) => ({ parts: [textPart(text)] });

async function* execute(run: Run): AsyncGenerator<AgentEvent> {
  const { parts } = run.message;
  const isAnswer = run.message.taskId !== undefined;
  const command = isAnswer ? { name: 'echo' as const } : parseCommand(parts[0]?.text ?? '');
  switch (command.name) {
    case 'echo':
      yield working;
      yield { type: 'artifact', artifact: { artifactId: `echo-${run.taskId}`, name: 'echo', parts }, lastChunk: true };
      yield completed;
      return;
    case 'stream':
      yield* stream(run, command);
      return;
    case 'ask':
      yield { type: 'status', state: 'TASK_STATE_INPUT_REQUIRED', message: say(command.question) };
      return;
    case 'sleep':
      yield working;
      await run.sleep(command.ms);
      yield completed;
      return;
    case 'fail':
      yield { type: 'status', state: 'TASK_STATE_FAILED', message: say(command.reason) };
      return;
    case 'reject':
      yield { type: 'status', state: 'TASK_STATE_REJECTED', message: say('Rejected, as asked.') };
      return;
    case 'file':
      yield working;
      yield fileOf(command.filename);
      yield completed;
      return;
    case 'usage':
      yield { type: 'status', state: 'TASK_STATE_REJECTED', message: say(`${command.problem}\n\n${USAGE.join('\n')}`) };
  }
}

/** Chunks that were stored before a crash are not sent again: the stream goes on with the next one. */
async function* stream(
  run: Run,
  { count, intervalMs, delayMs }: { readonly count: number; readonly intervalMs: number; readonly delayMs: number },
): AsyncGenerator<AgentEvent> {
  let next = 0;
  if (run.attempt === 1) {
    yield working;
    await run.sleep(delayMs);
  } else next = (await run.loadTask()).artifacts?.[0]?.parts.length ?? 0;
  const artifactId = `ticks-${run.taskId}`;
  for (let index = next; index < count; index++) {
    yield {
      type: 'artifact',
      artifact: { artifactId, name: 'ticks', parts: [textPart(`tick ${index} t=${run.now()} `)] },
      append: index > 0,
      lastChunk: index === count - 1,
    };
    if (intervalMs > 0 && index < count - 1) await run.sleep(intervalMs);
  }
  yield completed;
}

function fileOf(filename: string): AgentEvent {
  const raw = Buffer.from(`This is ${filename}, made by the echo agent of Parley.\n`).toString('base64');
  return { type: 'artifact', artifact: { name: filename, parts: [{ raw, filename, mediaType: 'text/plain' }] } };
}

const executor: Executor = { execute, recovery: 'resume', effects: 'none', replies: 'task', maxDurationMs: 0 };

/** @param options `pushNotifications`: whether the server sends them. */
export function echoAgent({ pushNotifications }: { readonly pushNotifications: boolean }): Agent {
  const capabilities = { ...DESCRIPTION.capabilities, pushNotifications };
  return { id: 'echo', description: { ...DESCRIPTION, capabilities }, executor };
}
