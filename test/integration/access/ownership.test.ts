/** What an owner is: keys that share tasks, the admin as an owner like others, contexts that nobody else can see. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import {
  ALL_FORMS,
  type Answer,
  ask,
  at,
  type Caller,
  callerOf,
  errorOf,
  issueKey,
  REST,
  resultOf,
  stateOf,
  taskIdOf,
} from '../../support/wire-client.ts';

let parley: ParleyProcess;
beforeAll(async () => {
  parley = await startParley();
});

async function newOwner(): Promise<Caller & { readonly ownerId: string }> {
  const { key, ownerId } = await issueKey(parley);
  return { ...callerOf(parley, key), ownerId };
}

async function idsOf(caller: Caller, fields: { contextId?: string } = {}): Promise<unknown[]> {
  const tasks = at(resultOf(await ask(caller, 'ListTasks', REST, fields)), 'tasks');
  return Array.isArray(tasks) ? tasks.map((task) => at(task, 'id')) : [];
}

test('[A6] two keys of one owner share tasks: each lists, reads, follows, answers and cancels what the other began', async () => {
  const first = await newOwner();
  const second = callerOf(parley, (await issueKey(parley, { ownerId: first.ownerId })).key);
  const taskId = taskIdOf(await ask(first, 'SendMessage', REST, { text: '/ask Which city?' }));
  expect(await idsOf(second)).toEqual([taskId]);
  expect(taskIdOf(await ask(second, 'GetTask', REST, { taskId }))).toBe(taskId);
  expect(taskIdOf(await ask(second, 'SubscribeToTask', REST, { taskId }))).toBe(taskId);
  expect(stateOf(await ask(second, 'SendMessage', REST, { taskId, text: 'Turku' }))).toBe('TASK_STATE_COMPLETED');
  const running = await ask(second, 'SendMessage', REST, { text: '/sleep 600000', returnImmediately: true });
  const canceled = await ask(first, 'CancelTask', REST, { taskId: taskIdOf(running) });
  expect(stateOf(canceled)).toBe('TASK_STATE_CANCELED');
  expect(await idsOf(first)).toEqual([taskIdOf(running), taskId]);
});

test('[A6] a key for one agent is let through to that one; an agent that is not there is not found', async () => {
  const { ownerId } = await newOwner();
  const { key } = await issueKey(parley, { ownerId, agents: ['echo'] });
  // The limit lets through what it names.
  expect((await ask(callerOf(parley, key), 'SendMessage', REST)).status).toBe(200);
  const elsewhere = { ...callerOf(parley, key), address: `${parley.url}/a2a/agents/nowhere` };
  expect(errorOf(await ask(elsewhere, 'GetTask', REST, { taskId: 'x' }))).toMatchObject({
    status: 404,
    reason: 'NOT_FOUND',
  });
});

describe.each(ALL_FORMS)('the admin by $binding $version', (form) => {
  test('[A6] is an ordinary owner: it has its own tasks, sees no others, and no one sees its', async () => {
    const admin = callerOf(parley, parley.adminKey);
    const somebody = await newOwner();
    const theirs = taskIdOf(await ask(somebody, 'SendMessage', form, { text: '/ask Who?' }));
    const own = taskIdOf(await ask(admin, 'SendMessage', form, { text: '/ask Who?' }));
    expect(await idsOf(admin)).toContain(own);
    expect(await idsOf(admin)).not.toContain(theirs);
    expect(taskIdOf(await ask(admin, 'GetTask', form, { taskId: own }))).toBe(own);
    expect(errorOf(await ask(admin, 'CancelTask', form, { taskId: theirs }))?.reason).toBe('TASK_NOT_FOUND');
    expect(errorOf(await ask(somebody, 'CancelTask', form, { taskId: own }))?.reason).toBe('TASK_NOT_FOUND');
    expect(stateOf(await ask(admin, 'CancelTask', form, { taskId: own }))).toBe('TASK_STATE_CANCELED');
  });
});

/** What is left of an answer when all that is new in each is taken out. */
function shapeOf(answer: Answer): object {
  const { date: _date, 'x-request-id': _id, ...headers } = answer.headers;
  const text = answer.text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
  return { status: answer.status, headers, text };
}

describe('contexts', () => {
  test('[A6] the same contextId of two owners is two contexts, and using it tells nothing', async () => {
    const [first, second, third] = [await newOwner(), await newOwner(), await newOwner()];
    const send = (caller: Caller, contextId: string) =>
      ask(caller, 'SendMessage', REST, { contextId, messageId: 'message-1' });
    const fresh = await send(first, 'shared-01');
    const taken = await send(second, 'shared-01');
    const unused = await send(third, 'unused-01');
    expect(shapeOf(taken)).toEqual(shapeOf(fresh));
    expect(shapeOf({ ...unused, text: unused.text.replaceAll('unused-01', 'shared-01') })).toEqual(shapeOf(taken));
    expect(taskIdOf(taken)).not.toBe(taskIdOf(fresh));
    expect(await idsOf(first, { contextId: 'shared-01' })).toEqual([taskIdOf(fresh)]);
    expect(await idsOf(second, { contextId: 'shared-01' })).toEqual([taskIdOf(taken)]);
    expect(await idsOf(third, { contextId: 'shared-01' })).toEqual([]);
  });

  test("[A6] a follow-up that names another's task is not found, whether it names its context or a wrong one", async () => {
    const [owner, other] = [await newOwner(), await newOwner()];
    const taskId = taskIdOf(await ask(owner, 'SendMessage', REST, { text: '/ask Who?', contextId: 'private' }));
    const answers = [];
    for (const contextId of ['private', 'wrongly']) {
      const caller = { ...other, headers: { ...other.headers, 'x-request-id': 'probe' } };
      const answer = await ask(caller, 'SendMessage', REST, { taskId, contextId });
      expect(errorOf(answer)).toMatchObject({ status: 404, reason: 'TASK_NOT_FOUND' });
      answers.push(shapeOf(answer));
    }
    expect(answers[0]).toEqual(answers[1]);
    const own = await ask(owner, 'SendMessage', REST, { taskId, contextId: 'wrongly' });
    expect(errorOf(own)).toMatchObject({
      status: 400,
      reason: 'INVALID_PARAMS',
      message: 'Invalid parameters: message.contextId: is not the context of the task',
    });
  });

  test("[A6] another's page token opens only the caller's own list, and totals count only its own tasks", async () => {
    const [owner, other] = [await newOwner(), await newOwner()];
    for (let index = 0; index < 3; index++) await ask(owner, 'SendMessage', REST);
    await ask(other, 'SendMessage', REST);
    const page = async (caller: Caller, query: string): Promise<Answer> => {
      const response = await fetch(`${caller.address}/tasks?${query}`, {
        headers: { ...caller.headers, 'a2a-version': '1.0' },
      });
      const text = await response.text();
      return { status: response.status, headers: {}, text, json: JSON.parse(text) as unknown };
    };
    const first = await page(owner, 'pageSize=1');
    expect([at(first.json, 'totalSize'), (await page(other, '')).json]).toEqual([
      3,
      expect.objectContaining({ totalSize: 1 }),
    ]);
    const token = String(at(first.json, 'nextPageToken'));
    expect(token).not.toBe('');
    const foreign = await page(other, `pageSize=50&pageToken=${encodeURIComponent(token)}`);
    expect(foreign.status).toBe(200);
    expect(at(foreign.json, 'totalSize')).toBe(1);
    const ownIds = await idsOf(owner);
    const seen = at(foreign.json, 'tasks');
    for (const task of Array.isArray(seen) ? seen : []) expect(ownIds).not.toContain(at(task, 'id'));
  });
});
