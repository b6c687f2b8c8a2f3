/** What A2A demands of lists, over each wire; also while what is listed changes. */
import { afterAll, beforeAll, expect } from 'vitest';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { call, type Fields, type Target, type Wire } from '../wire/wire.ts';
import { perWire } from './per-wire.ts';
import { type ServerUnderTest, startUnderTest, stranger, taskFor } from './server-under-test.ts';

let server: ServerUnderTest;

beforeAll(async () => {
  server = await startUnderTest('plain');
});

afterAll(() => server.stop());

interface Page {
  readonly tasks: Task[];
  readonly nextPageToken: string;
  readonly pageSize: number;
  readonly totalSize: number;
}

async function list(wire: Wire, fields: Fields, target: Target = server): Promise<Page> {
  const { result, error } = await call(target, wire, 'ListTasks', fields);
  expect(error).toBeUndefined();
  return result as Page;
}

const idsOf = (tasks: readonly Task[]): string[] => tasks.map(({ id }) => id);

async function tasksIn(wire: Wire, contextId: string, count: number): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let made = 0; made < count; made++) {
    tasks.push(await taskFor(server, wire, 'tck-input-required', { contextId }));
  }
  return tasks;
}

perWire("[LIST-1] only the caller's tasks are listed, with filters and without", async (wire) => {
  const contextId = crypto.randomUUID();
  const [mine] = await tasksIn(wire, contextId, 1);
  const other = await stranger(server);
  const theirs = await taskFor(other, wire, 'tck-complete-task', { contextId });
  for (const filter of [{ contextId }, {}, { status: 'TASK_STATE_COMPLETED' }]) {
    expect(idsOf((await list(wire, filter, other)).tasks)).toEqual([theirs.id]);
    expect(idsOf((await list(wire, filter)).tasks)).not.toContain(theirs.id);
  }
  expect(idsOf((await list(wire, { contextId })).tasks)).toEqual([mine?.id]);
});

perWire('[LIST-2, LIST-4] pages follow each other by their tokens, and the last has an empty one', async (wire) => {
  const contextId = crypto.randomUUID();
  const made = await tasksIn(wire, contextId, 5);
  const listed: string[] = [];
  const tokens: string[] = [];
  let pageToken = '';
  do {
    const page: Page = await list(wire, { contextId, pageSize: 2, ...(pageToken === '' ? {} : { pageToken }) });
    expect([page.pageSize, page.totalSize]).toEqual([2, 5]);
    listed.push(...idsOf(page.tasks));
    tokens.push((pageToken = page.nextPageToken));
  } while (pageToken !== '');
  expect(listed).toEqual(idsOf(made).toReversed());
  expect(tokens.map((token) => token === '')).toEqual([false, false, true]);
  expect(await list(wire, { contextId: crypto.randomUUID() })).toMatchObject({ tasks: [], nextPageToken: '' });
});

perWire('[LIST-3] the task whose status is newest comes first', async (wire) => {
  const contextId = crypto.randomUUID();
  const [first, second, third] = await tasksIn(wire, contextId, 3);
  expect(idsOf((await list(wire, { contextId })).tasks)).toEqual([third?.id, second?.id, first?.id]);
  await taskFor(server, wire, 'tck-complete-task', { taskId: first?.id });
  const { tasks } = await list(wire, { contextId });
  expect(idsOf(tasks)).toEqual([first?.id, third?.id, second?.id]);
  const times = tasks.map(({ status }) => status.timestamp ?? '');
  expect(times).toEqual(times.toSorted().toReversed());
});

perWire('[LIST-5] artifacts are there when they are asked for, and else no field is', async (wire) => {
  const contextId = crypto.randomUUID();
  await taskFor(server, wire, 'tck-artifact-text', { contextId });
  for (const fields of [{}, { includeArtifacts: false }]) {
    const [task] = (await list(wire, { contextId, ...fields })).tasks;
    expect(task).not.toHaveProperty('artifacts');
  }
  const [task] = (await list(wire, { contextId, includeArtifacts: true })).tasks;
  expect(task?.artifacts?.[0]?.parts[0]?.text).toBe('Generated text content');
});

perWire('[LIST-6] while others are made and changed, what stays as it was is listed once', async (wire) => {
  const contextId = crypto.randomUUID();
  const [changing] = await tasksIn(wire, contextId, 1);
  const quiet = idsOf(await tasksIn(wire, contextId, 12));
  const listed: string[] = [];
  let pageToken: string | undefined;
  do {
    const page: Page = await list(wire, { contextId, pageSize: 3, ...(pageToken ? { pageToken } : {}) });
    listed.push(...idsOf(page.tasks));
    pageToken = page.nextPageToken;
    // At once, and between the pages: a new task, and a change that moves an old one to the front.
    await Promise.all([
      taskFor(server, wire, 'tck-complete-task', { contextId }),
      taskFor(server, wire, 'tck-input-required', { taskId: changing?.id }),
    ]);
  } while (pageToken !== '');
  expect(listed.filter((id) => quiet.includes(id))).toEqual(quiet.toReversed());
});
