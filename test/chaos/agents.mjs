// @ts-check
/**
 * Agents with effects outside of the server, one for each way to recover: every step is a line in a file of the process
 * before it is an event, so that what was really done can be compared with what is stored.
 */
import { appendFileSync } from 'node:fs';

/**
 * @typedef {import('../../src/core/agents/registry.ts').Agent} Agent
 * @typedef {import('../../src/core/tasks/executor.ts').Run} Run
 * @typedef {import('../../src/core/tasks/executor.ts').AgentEvent} AgentEvent
 * @typedef {import('../../src/core/tasks/executor.ts').Recovery} Recovery
 */

/** @type {Readonly<Record<string, Recovery>>} */
const RECOVERIES = { 'steps-resume': 'resume', 'steps-restart': 'restart', 'steps-once': 'fail' };

/** @param {string} file gets a line for each step @returns {Agent[]} */
export function chaosAgents(file) {
  return Object.entries(RECOVERIES).map(([id, recovery]) => ({
    id,
    description: {
      name: id,
      description: 'Does so many steps, one after the other: steps=N every=MS.',
      version: '1.0.0',
      capabilities: { streaming: true, pushNotifications: true },
      defaultInputModes: ['*/*'],
      defaultOutputModes: ['text/plain'],
      skills: [],
    },
    executor: {
      execute: (run) => steps(run, id, recovery, file),
      recovery,
      effects: 'external',
      replies: 'task',
      maxDurationMs: 0,
    },
  }));
}

/**
 * @param {Run} run @param {string} agent @param {Recovery} recovery @param {string} file
 * @returns {AsyncGenerator<AgentEvent>}
 */
async function* steps(run, agent, recovery, file) {
  const { taskId, attempt, message } = run;
  const [, count = '1', every = '0'] = /^steps=(\d+) every=(\d+)$/.exec(message.parts[0]?.text ?? '') ?? [];
  const isResumed = recovery === 'resume' && attempt > 1;
  const done = isResumed ? ((await run.loadTask()).artifacts?.[0]?.parts.length ?? 0) : 0;
  if (!isResumed) yield { type: 'status', state: 'TASK_STATE_WORKING' };
  for (let step = done; step < Number(count); step++) {
    const { messageId } = message;
    const line = { at: Date.now(), kind: 'executed', agent, taskId, messageId, attempt, pid: process.pid, step };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
    yield {
      type: 'artifact',
      artifact: {
        artifactId: `steps-${taskId}`,
        parts: [{ text: `step ${step} attempt ${attempt} pid ${process.pid}` }],
      },
      append: step > 0,
    };
    await run.sleep(Number(every));
  }
  yield { type: 'status', state: 'TASK_STATE_COMPLETED' };
}
