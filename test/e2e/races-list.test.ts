/** The list of tasks in a browser, while things happen in another order than they were asked for. */
import type { Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { cancelOverA2a } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('the list of tasks, at odd moments', () => {
  const { server, openSignedIn, send } = useConsole({ config: 'streams: { heartbeatMs: 1000 }\n' });
  const LISTS = '**/api/v1/tasks?pageSize=100*';

  it('[U1] what happens while the list is read again, after its answer was made, is not missed', async () => {
    const { id } = await send('/sleep 600000');
    const { page } = await openSignedIn('/ui/tasks');
    const rows = page.locator('[data-task]');
    await rows.first().getByText('working').waitFor();
    await page.getByRole('status', { name: 'Live connection: live' }).waitFor();
    await send('one that is new');
    const isNew = page.getByRole('button', { name: '1 new' });
    await isNew.waitFor();
    const late = async (route: Route): Promise<void> => {
      const response = await route.fetch();
      await cancelOverA2a(server(), id);
      // Told before the answer is here: in a list that has nothing else it is shown at once.
      await page.locator(`[data-task="${id}"]`).getByText('canceled').waitFor();
      await route.fulfill({ response });
    };
    await page.route(LISTS, late, { times: 1 });
    await isNew.click();
    const row = rows.filter({ hasText: '/sleep 600000' });
    await expect.poll(() => row.textContent()).toContain('canceled');
    await page.getByText('one that is new').waitFor();
  });

  it('[U1] a title that could not be read is asked for again with the next change', async () => {
    const asked = await send('/ask Which bridge?');
    const { page } = await openSignedIn('/ui/tasks?state=canceled&follow=true', { expected: /500/ });
    await page.getByRole('status', { name: 'Live connection: live' }).waitFor();
    let refused = 0;
    await page.route('**/api/v1/tasks?ids=*', (route) =>
      refused++ === 0 ? route.fulfill({ status: 500, json: {} }) : route.continue(),
    );
    await cancelOverA2a(server(), asked.id);
    await expect.poll(() => refused).toBe(1);
    const another = await send('/sleep 600003');
    await cancelOverA2a(server(), another.id);
    await expect.poll(() => page.getByRole('link', { name: '/ask Which bridge?' }).count()).toBe(1);
  });

  it('[U1] a connection that has fallen silent is not called live, and is made anew', async () => {
    const { page } = await openSignedIn('/ui/tasks?follow=true', { expected: /ERR_|Failed to load/ });
    const live = page.getByRole('status', { name: /^Live connection/ });
    await expect.poll(() => live.getAttribute('data-status')).toBe('live');
    server().signal('SIGSTOP');
    try {
      await expect.poll(() => live.getAttribute('data-status')).not.toBe('live');
    } finally {
      server().signal('SIGCONT');
    }
    await expect.poll(() => live.getAttribute('data-status'), { timeout: 60_000 }).toBe('live');
    await send('after the silence');
    await page.getByText('after the silence').first().waitFor();
  });
});
