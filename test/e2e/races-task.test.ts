/** One task in a browser, while things happen in another order than they were asked for. */
import { join } from 'node:path';
import type { Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openConnection } from '../../src/storage/sqlite/driver.ts';
import { cancelOverA2a } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('the page of a task, at odd moments', () => {
  const { server, openSignedIn, send } = useConsole({
    config: 'live: { maxTasks: 2 }\ntasks: { logRetentionDays: 1 }\n',
  });
  const DAY_MS = 86_400_000;

  it('[U1] a task that ends between its reading and that of its events is shown whole as it ended', async () => {
    const task = await send('/sleep 600000');
    const { page } = await openSignedIn('/ui/keys');
    const late = async (route: Route): Promise<void> => {
      await cancelOverA2a(server(), task.id);
      await route.continue();
    };
    await page.route('**/api/v1/tasks/*/events?*', late, { times: 1 });
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    await page.getByRole('link', { name: '/sleep 600000' }).click();
    await page.getByRole('status', { name: 'Stream of the task: closed' }).waitFor();
    await page.getByRole('tab', { name: 'Raw' }).click();
    await expect.poll(() => page.getByText('"state": "TASK_STATE_CANCELED"').count()).toBe(1);
  });

  it('[U1] events that could not be read for want of an answer are read as soon as there is one', async () => {
    const task = await send('/ask Which lamp?');
    let failed = 0;
    const { page } = await openSignedIn('/ui/keys', { expected: /ERR_/ });
    await page.route('**/api/v1/tasks/*/events?*', (route) => (failed++ < 2 ? route.abort() : route.continue()));
    await page.evaluate(`history.pushState(null, '', '/ui/tasks/${task.id}')`);
    await page.getByRole('alert').getByText('The server does not answer').waitFor();
    await page.getByRole('status', { name: 'Stream of the task: live' }).waitFor();
    await page.getByLabel('The agent waits for your answer').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('[U1] a task whose log was cut after its end is shown as it ended, and asked for once', async () => {
    const task = await send('an old task');
    const { page } = await openSignedIn('/ui/keys');
    const events = () =>
      page.evaluate<{ firstSeq: number; lastSeq: number }>(
        `fetch('/api/v1/tasks/${task.id}/events').then((answer) => answer.json())`,
      );
    const database = openConnection(join(server().dataDir, 'parley.sqlite'), { timeoutMs: 5000 });
    try {
      const age = database.prepare("update tasks set status_at = ? where state = 'TASK_STATE_COMPLETED'");
      await expect.poll(() => age.run(Date.now() - 2 * DAY_MS).changes, { timeout: 20_000 }).toBe(1);
    } finally {
      database.close();
    }
    await expect.poll(async () => (await events()).firstSeq, { timeout: 60_000 }).toBe((await events()).lastSeq + 1);
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().includes(`${task.id}/events?`)) asked++;
    });
    await page.evaluate(`history.pushState(null, '', '/ui/tasks/${task.id}')`);
    await page.getByRole('heading', { name: 'an old task', level: 1 }).waitFor();
    await page.getByRole('status', { name: 'Stream of the task: closed' }).waitFor();
    await page.getByRole('article').getByText('completed', { exact: true }).first().waitFor();
    // Long enough for the server to be asked again.
    await events();
    await events();
    expect(asked).toBe(1);
  });

  it('[U1] who leaves a task and comes back at once still follows it, though the first word comes late', async () => {
    const [one, other] = [await send('/sleep 600001'), await send('/sleep 600002')];
    const { page } = await openSignedIn(`/ui/tasks/${one.id}`, { width: 1600 });
    const live = page.getByRole('status', { name: 'Stream of the task: live' });
    await live.waitFor();
    const told: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/api/v1/live/*/tasks', async (route) => {
      told.push(route.request().postData() ?? '');
      if (told.length === 1) await held;
      await route.continue();
    });
    const goTo = (id: string) => page.evaluate(`history.pushState(null, '', '/ui/tasks/${id}')`);
    await goTo(other.id);
    await page.getByRole('heading', { name: '/sleep 600002', level: 1 }).waitFor();
    await expect.poll(() => told.length).toBe(1);
    const again = page.waitForResponse((response) => response.url().includes(`${one.id}/events`));
    await goTo(one.id);
    await page.getByRole('heading', { name: '/sleep 600001', level: 1 }).waitFor();
    await again;
    await live.waitFor();
    // Whatever it told in between has arrived.
    await page.evaluate("fetch('/api/v1/session').then((answer) => answer.text())");
    release();
    await expect.poll(() => told.some((body) => body.includes('add') && body.includes(one.id))).toBe(true);
    await live.waitFor();
    await cancelOverA2a(server(), one.id);
    await page.getByRole('status', { name: 'Stream of the task: closed' }).waitFor();
    await page.getByRole('log').getByText('canceled').waitFor();
  });

  it('[U1] a task is followed though the word that another is not followed any more hangs', async () => {
    const [one, other] = [await send('/sleep 600008'), await send('/sleep 600009')];
    const { page } = await openSignedIn(`/ui/tasks/${one.id}`, { width: 900 });
    await page.getByRole('status', { name: 'Stream of the task: live' }).waitFor();
    await page.route('**/api/v1/live/*/tasks', () => undefined);
    await page.evaluate(`history.pushState(null, '', '/ui/tasks/${other.id}')`);
    await page.getByRole('heading', { name: '/sleep 600009', level: 1 }).waitFor();
    await cancelOverA2a(server(), other.id);
    await page.getByRole('log').getByText('canceled').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('[U1] one looks at more tasks, one after the other, than can be followed at once', async () => {
    const tasks = [await send('/sleep 600004'), await send('/sleep 600005'), await send('/sleep 600006')];
    const { page } = await openSignedIn('/ui/keys', { width: 900 });
    for (const { id } of tasks) {
      await page.evaluate(`history.pushState(null, '', '/ui/tasks/${id}')`);
      await page.waitForURL(`**/${id}`);
      await page.getByRole('status', { name: 'Stream of the task: live' }).waitFor();
    }
    await cancelOverA2a(server(), tasks[2]?.id ?? '');
    await page.getByRole('log').getByText('canceled').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('[U1] tasks of the same context that begin later come to those that are shown', async () => {
    const first = await send('the first of its context');
    const { page } = await openSignedIn(`/ui/tasks/${first.id}?tab=related`, { width: 900 });
    await page.getByRole('link', { name: 'the first of its context' }).waitFor();
    await send('the second of its context', first.contextId);
    await expect.poll(() => page.getByRole('link', { name: 'the second of its context' }).count()).toBe(1);
  });
});
