/** Who may do what: every operation by every kind of caller, in every binding and version. */
import { beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS, type Operation } from '../../../src/protocol/codec.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  ALL_FORMS,
  type Answer,
  ask,
  at,
  type Caller,
  callerOf,
  errorOf,
  type Form,
  hasOperation,
  issueKey,
  manage,
  REST,
  resultOf,
  stateOf,
  taskIdOf,
} from '../../support/wire-client.ts';

const PRINCIPALS = [
  'the owner',
  'another key of the owner',
  'a key of somebody else',
  'the admin',
  'a key without the scope',
  'a key for other agents',
  'a disabled key',
  'an expired key',
  'a revoked key',
  'nobody',
  'a wrong scheme',
] as const;
type PrincipalName = (typeof PRINCIPALS)[number];

const WRITES: readonly Operation[] = [
  'SendMessage',
  'SendStreamingMessage',
  'CancelTask',
  'CreateTaskPushNotificationConfig',
  'DeleteTaskPushNotificationConfig',
];

/** JSON-RPC code, HTTP status of REST, HTTP status of JSON-RPC, status code of gRPC. */
const ERRORS = {
  TASK_NOT_FOUND: [-32001, 404, 200, 5],
  PERMISSION_DENIED: [-32000, 403, 403, 7],
  UNAUTHENTICATED: [-32000, 401, 401, 16],
} as const;
type Outcome = 'ok' | keyof typeof ERRORS;

const WITHOUT_TASK: readonly Operation[] = ['ListTasks', 'GetExtendedAgentCard'];

function expected(operation: Operation, principal: PrincipalName): Outcome {
  switch (principal) {
    case 'the owner':
    case 'another key of the owner':
      return 'ok';
    case 'a key of somebody else':
    case 'the admin':
      return WITHOUT_TASK.includes(operation) ? 'ok' : 'TASK_NOT_FOUND';
    case 'a key without the scope':
    case 'a key for other agents':
      return 'PERMISSION_DENIED';
    default:
      return 'UNAUTHENTICATED';
  }
}

let parley: ParleyProcess;
let owner: Caller;
let headersOf: Record<PrincipalName, (operation: Operation) => Record<string, string>>;

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

beforeAll(async () => {
  // Refusals are what is tested here, not how many of them an address gets.
  parley = await startParley({ config: 'rateLimit: { failedAuthPerMinute: 0 }\n' });
  const { key, ownerId } = await issueKey(parley);
  owner = callerOf(parley, key);
  // The task that makes the owner known, so that keys can be made for it.
  await ask(owner, 'SendMessage', REST);
  const expiresAtMs = Date.now() + 1000;
  const [second, other, reader, writer, elsewhere, disabled, expired, revoked] = await Promise.all([
    issueKey(parley, { ownerId }),
    issueKey(parley),
    issueKey(parley, { ownerId, scopes: ['tasks:read'] }),
    issueKey(parley, { ownerId, scopes: ['tasks:write'] }),
    issueKey(parley, { ownerId, agents: ['not-echo'] }),
    issueKey(parley, { ownerId }),
    issueKey(parley, { ownerId, expiresAt: new Date(expiresAtMs).toISOString() }),
    issueKey(parley, { ownerId }),
  ]);
  // Used before they end, so that no memory of them may help.
  const statuses = [disabled, expired, revoked].map(async ({ key: used }) => {
    return (await ask(callerOf(parley, used), 'ListTasks', REST)).status;
  });
  if ((await Promise.all(statuses)).some((status) => status !== 200)) throw new Error('A good key was refused');
  await manage(parley, 'PATCH', `/api/v1/keys/${disabled.id}`, { body: { disabled: true } });
  await manage(parley, 'DELETE', `/api/v1/keys/${revoked.id}`);
  await waitFor('the key to expire', 20_000, () => Date.now() > expiresAtMs);
  headersOf = {
    'the owner': () => bearer(key),
    'another key of the owner': () => ({ 'x-api-key': second.key }),
    'a key of somebody else': () => bearer(other.key),
    'the admin': () => bearer(parley.adminKey),
    'a key without the scope': (operation) => bearer(WRITES.includes(operation) ? reader.key : writer.key),
    'a key for other agents': () => bearer(elsewhere.key),
    'a disabled key': () => bearer(disabled.key),
    'an expired key': () => bearer(expired.key),
    'a revoked key': () => bearer(revoked.key),
    nobody: () => ({}),
    'a wrong scheme': () => ({ authorization: `Basic ${Buffer.from(`user:${key}`).toString('base64')}` }),
  };
});

const callerNamed = (name: PrincipalName, operation: Operation): Caller => ({
  ...owner,
  headers: headersOf[name](operation),
});

/** A task of the owner that waits for an answer, with a push configuration, so that every operation has something to do. */
async function waitingTask(): Promise<string> {
  const answer = await ask(owner, 'SendMessage', REST, { text: '/ask Which city?', contextId: 'matrix' });
  expect(stateOf(answer)).toBe('TASK_STATE_INPUT_REQUIRED');
  const taskId = taskIdOf(answer);
  expect((await ask(owner, 'CreateTaskPushNotificationConfig', REST, { taskId })).status).toBe(200);
  return taskId;
}

/** All that can be seen of a task by its owner. */
async function wholeOf(taskId: string): Promise<readonly (string | number)[]> {
  const task = await ask(owner, 'GetTask', REST, { taskId });
  const configs = await ask(owner, 'ListTaskPushNotificationConfigs', REST, { taskId });
  return [task.status, task.text, configs.status, configs.text];
}

function expectError(answer: Answer, form: Form, reason: keyof typeof ERRORS): void {
  const [jsonRpcCode, restStatus, jsonRpcStatus, grpcCode] = ERRORS[reason];
  const [status, code] = {
    REST: [restStatus, form.version === '1.0' ? restStatus : jsonRpcCode],
    'JSON-RPC': [jsonRpcStatus, jsonRpcCode],
    gRPC: [grpcCode, grpcCode],
  }[form.binding];
  expect(errorOf(answer)).toEqual({
    status,
    code,
    reason,
    message: expect.stringMatching(/\w/),
  });
  expect(answer.headers['www-authenticate']).toBe(
    reason === 'UNAUTHENTICATED' && form.binding !== 'gRPC' ? 'Bearer' : undefined,
  );
}

function listed(answer: Answer): unknown[] {
  // 0.3 over REST answers with the bare array.
  const result = resultOf(answer);
  const tasks = Array.isArray(result) ? result : at(result, 'tasks');
  if (!Array.isArray(tasks)) throw new Error(`No list of tasks: ${answer.text}`);
  return tasks;
}

/** The operation was done on this task; or a list holds it for its owner, and nothing of it for others. */
function expectDone(answer: Answer, operation: Operation, principal: PrincipalName, taskId: string): void {
  const isCard = operation === 'GetExtendedAgentCard';
  const isOwn = isCard || principal === 'the owner' || principal === 'another key of the owner';
  const ids = isCard
    ? [at(resultOf(answer), 'name')]
    : operation === 'ListTasks'
      ? listed(answer).map((task) => at(task, 'id'))
      : [taskIdOf(answer)];
  expect(errorOf(answer)).toBeUndefined();
  expect(answer.status).toBe(200);
  expect([ids.includes(isCard ? 'Echo' : taskId), ids.length > 0]).toEqual([isOwn, isOwn]);
}

/** The same of a push configuration, which nobody but the owner has one of. */
function expectPushDone(answer: Answer, operation: Operation, principal: PrincipalName, taskId: string): void {
  const isOwn = principal === 'the owner' || principal === 'another key of the owner';
  expect([errorOf(answer), answer.status, isOwn]).toEqual([undefined, 200, true]);
  // A deletion answers with nothing.
  expect(answer.text.includes(taskId)).toBe(operation !== 'DeleteTaskPushNotificationConfig');
}

describe.each(ALL_FORMS)('$binding $version', (form) => {
  const operations = OPERATIONS.filter((operation) => hasOperation(form, operation));
  describe.each(PRINCIPALS)('by %s', (principal) => {
    test.each(operations.map((operation) => [operation, expected(operation, principal)] as const))(
      '[A6] %s: %s',
      async (operation, outcome) => {
        const taskId = await waitingTask();
        const before = await wholeOf(taskId);
        const fields = { taskId, ...(operation === 'ListTasks' ? { contextId: 'matrix' } : {}) };
        const answer = await ask(callerNamed(principal, operation), operation, form, fields);
        if (outcome === 'ok') {
          const isPush = operation.includes('PushNotification');
          (isPush ? expectPushDone : expectDone)(answer, operation, principal, taskId);
          return;
        }
        expectError(answer, form, outcome);
        // Refused means that nothing happened.
        expect(await wholeOf(taskId)).toEqual(before);
        expect([before[0], before[2]]).toEqual([200, 200]);
      },
    );
  });
});

/** As long as a real one, so that no length gives it away. */
const NO_TASK = '01900000-0000-7000-8000-000000000000';

const WITH_TASK = OPERATIONS.filter((operation) => !WITHOUT_TASK.includes(operation));
const VARIANTS: readonly (readonly [string, Record<string, string>])[] = [
  ['plainly', {}],
  ['from an event on', { 'last-event-id': '1' }],
  ['from an event that cannot be', { 'last-event-id': '999' }],
  ['with an idempotency key', { 'idempotency-key': 'probe' }],
];

/** All of an answer that the caller gets to see, but for the date and the task that the caller itself named. */
function visible(answer: Answer, taskId: string): object {
  const { date: _date, ...headers } = answer.headers;
  return { status: answer.status, headers, text: answer.text.replaceAll(taskId, 'TASK') };
}

describe("another's task and none", () => {
  const tasks: Record<string, string> = {};
  beforeAll(async () => {
    tasks['waiting'] = await waitingTask();
    tasks['completed'] = taskIdOf(await ask(owner, 'SendMessage', REST));
    tasks['failed'] = taskIdOf(await ask(owner, 'SendMessage', REST, { text: '/fail no reason' }));
    tasks['running'] = taskIdOf(
      await ask(owner, 'SendMessage', REST, { text: '/sleep 600000', returnImmediately: true }),
    );
  });

  const cells = ALL_FORMS.flatMap((form) => WITH_TASK.map((operation) => ({ ...form, operation })));
  test.each(cells)('[A6] $operation by $binding $version: the same bytes and headers', async (cell) => {
    for (const principal of ['a key of somebody else', 'the admin'] as const) {
      const { headers, ...where } = callerNamed(principal, cell.operation);
      for (const [how, extra] of VARIANTS) {
        // Chosen by the caller: else it would be the one difference.
        const caller = { ...where, headers: { ...headers, ...extra, 'x-request-id': 'probe-1' } };
        const about = async (taskId: string) => {
          const fields = { taskId, messageId: 'probe' };
          return visible(await ask(caller, cell.operation, cell, fields), taskId);
        };
        const none = await about(NO_TASK);
        for (const [state, taskId] of Object.entries(tasks)) {
          expect(await about(taskId), `a ${state} task, ${how}, by ${principal}`).toEqual(none);
        }
      }
    }
  });

  test('[A6] the owner still has all of them, as they were', async () => {
    const states = Object.entries(tasks).map(async ([, taskId]) =>
      stateOf(await ask(owner, 'GetTask', REST, { taskId })),
    );
    expect(await Promise.all(states)).toEqual([
      'TASK_STATE_INPUT_REQUIRED',
      'TASK_STATE_COMPLETED',
      'TASK_STATE_FAILED',
      'TASK_STATE_WORKING',
    ]);
  });
});
