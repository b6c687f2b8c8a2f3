/** What lists tell of tasks in view: the rate of their events, and what waits before them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Glances, glancesSchema } from '../../../src/http/admin/glance-contract.ts';
import type { Overview } from '../../../src/http/admin/overview-contract.ts';
import type { TaskList } from '../../../src/http/admin/task-contract.ts';
import { DATABASES } from '../../support/databases.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { issueKey, manage } from '../../support/wire-client.ts';

describe.each(DATABASES)('on $name', (under) => {
  describe.skipIf(under.skipped !== undefined)('tasks in view', () => {
    let parley: ParleyProcess;
    let ann: { readonly key: string };
    let bob: { readonly key: string };

    beforeAll(async () => {
      const databaseUrl = await under.create();
      const config = 'tasks: { maxRunning: 4, maxRunningPerAgent: 3, maxRunningPerOwner: 1 }\n';
      parley = await startParley({ config, ...(databaseUrl === undefined ? {} : { databaseUrl: databaseUrl.url }) });
      [ann, bob] = await Promise.all([issueKey(parley, { name: 'ann' }), issueKey(parley, { name: 'bob' })]);
    });

    const send = async (key: string, text: string, mode = 'immediate'): Promise<string> => {
      const body = { agentId: 'echo', message: { parts: [{ text }] }, mode };
      const { json } = await manage(parley, 'POST', '/api/v1/tasks', { key, body });
      return (json as { readonly task: { readonly id: string } }).task.id;
    };
    const glances = async (key: string, ids: readonly string[]) => {
      const { status, json } = await manage(parley, 'GET', `/api/v1/task-glances?ids=${ids.join()}`, { key });
      expect(status).toBe(200);
      expect(glancesSchema.parse(json)).toEqual(json);
      return new Map((json as Glances).glances.map((glance) => [glance.id, glance]));
    };

    test("[U1] the rate of a task's events, of one's own tasks only", async () => {
      const id = await send(ann.key, '/stream count=40 interval=1', 'blocking');
      const one = (await glances(ann.key, [id])).get(id);
      expect(one?.rate).toMatch(/^\d{16}$/);
      expect(one?.rate).toContain('9');
      expect(one).toMatchObject({ seq: 43, queued: null });
      expect((await glances(parley.adminKey, [id])).size).toBe(1);
      expect((await glances(bob.key, [id])).size).toBe(0);
      expect((await glances(ann.key, ['no-such-task'])).size).toBe(0);
      const writer = await issueKey(parley, { scopes: ['tasks:write'] });
      const { status } = await manage(parley, 'GET', `/api/v1/task-glances?ids=${id}`, { key: writer.key });
      expect(status).toBe(403);
    });

    test('[U1] the time of the last event, also where the status is older', async () => {
      const id = await send(ann.key, '/stream count=5000 interval=20');
      const last = await waitFor('some events', 20_000, async () => {
        const glance = (await glances(ann.key, [id])).get(id);
        return glance !== undefined && glance.seq > 5 ? glance.lastAt : undefined;
      });
      const { json } = await manage(parley, 'GET', `/api/v1/tasks?ids=${id}`, { key: ann.key });
      const [row] = (json as TaskList).tasks;
      expect(Date.parse(last)).toBeGreaterThan(Date.parse(row?.statusAt ?? ''));
      await manage(parley, 'POST', `/api/v1/tasks/${id}/cancel`, { key: ann.key });
      const end = (await glances(ann.key, [id])).get(id);
      expect(Date.parse(end?.lastAt ?? '')).toBeGreaterThanOrEqual(Date.parse(last));
    });

    test('[U1] a queued task says since when, what of its owner is before it, and whose limit it waits for; so does the overview', async () => {
      const [running, ofBob] = [await send(ann.key, '/sleep 600000'), await send(bob.key, '/sleep 600000')];
      await waitFor('both to run', 20_000, async () =>
        [...(await glances(parley.adminKey, [running, ofBob])).values()].every(({ seq }) => seq === 2),
      );
      const first = await send(bob.key, 'older, of another owner');
      const [second, third] = [await send(ann.key, 'second'), await send(ann.key, 'third')];
      const told = await glances(ann.key, [running, first, second, third]);
      expect([...told.keys()].toSorted()).toEqual([running, second, third].toSorted());
      expect(told.get(running)?.queued).toBeNull();
      expect(told.get(second)?.queued).toMatchObject({ before: 0, full: 'owner' });
      expect(told.get(third)?.queued).toMatchObject({ before: 1, full: 'owner' });
      const all = await glances(parley.adminKey, [first, second, third]);
      expect([first, second, third].map((id) => all.get(id)?.queued?.before)).toEqual([0, 0, 1]);
      const { json } = await manage(parley, 'GET', '/api/v1/overview');
      expect((json as Overview).queue).toEqual({ tasks: 3, longestSince: all.get(first)?.queued?.since });

      for (const id of [running, ofBob]) await manage(parley, 'POST', `/api/v1/tasks/${id}/cancel`);
      await waitFor('the queue to be empty', 20_000, async () => {
        const now = await manage(parley, 'GET', '/api/v1/overview');
        return (now.json as Overview).queue?.longestSince === null;
      });
      expect((await glances(ann.key, [third])).get(third)?.queued).toBeNull();
    });
  });
});
