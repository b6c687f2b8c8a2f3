/** The list of tasks in a browser: live, filters in the address, the keyboard. */
import { describe, expect, it } from 'vitest';
import { cancelOverA2a } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('the list of tasks', () => {
  const { openSignedIn, send, server } = useConsole();

  it('[U1] an empty list teaches the command that fills it, and the first task arrives by itself', async () => {
    const { page } = await openSignedIn('/ui/metrics');
    await page.getByRole('heading', { name: 'No tasks yet' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/ui/tasks');
    await page.getByText('curl -sS').waitFor();
    await send('the first of all');
    await page.getByRole('link', { name: 'the first of all' }).waitFor();
  });

  it('[U1] what happens between the reading of the list and the live connection is not missed', async () => {
    const { page } = await openSignedIn('/ui/keys');
    const { id } = await send('/ask Which oven?');
    await page.route('**/api/v1/live?*', async (route) => {
      await page.locator('[data-task]').first().getByText('input required').waitFor();
      await cancelOverA2a(server(), id);
      await route.continue();
    });
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    const row = page.locator('[data-task]').first();
    await expect.poll(() => row.textContent()).toContain('canceled');
  });

  it('[U1] who comes back to a list finds what happened meanwhile', async () => {
    await send('before I went');
    const { page } = await openSignedIn('/ui/tasks');
    await page.getByRole('link', { name: 'before I went' }).waitFor();
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
    await send('while I was away');
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    const first = page.locator('[data-task]').first();
    await expect.poll(() => first.textContent()).toContain('while I was away');
  });

  it('[U1] a row changes where it stands; what is new waits until it is asked for, unless one follows', async () => {
    await send('/stream count=3 interval=300 delay=1500');
    const { page } = await openSignedIn('/ui/tasks');
    const rows = page.locator('[data-task]');
    const first = rows.first();
    await first.getByText('/stream count=3').waitFor();
    await first.getByText('completed').waitFor();
    // Once the live connection is open the list is read again: what is in it then is not new.
    await expect
      .poll(() => page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name)))
      .toSatisfy((names: string[]) => names.filter((name) => name.includes('/tasks?pageSize=100')).length > 1);
    await send('not yet to be seen');
    await page.getByRole('button', { name: '1 new' }).waitFor();
    expect(await first.textContent()).toContain('/stream count=3');
    await page.getByRole('button', { name: 'Follow' }).click();
    await expect.poll(() => first.textContent()).toContain('not yet to be seen');
    await send('seen at once');
    await expect.poll(() => first.textContent()).toContain('seen at once');
    expect(new URL(page.url()).search).toBe('?follow=true');
  });

  it('[U1] conditions are in the address: it can be sent to a colleague', async () => {
    await send('/fail the oven is cold');
    await send('all is well with the oven');
    const { page } = await openSignedIn('/ui/tasks');
    await page.getByRole('button', { name: 'State' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'failed' }).click();
    await page.keyboard.press('Escape');
    const rows = page.locator('[data-task]');
    await expect.poll(() => rows.count()).toBe(1);
    // A failed row says why.
    expect(await rows.first().textContent()).toContain('the oven is cold');
    await page.keyboard.press('/');
    await page.keyboard.type('oven');
    await expect.poll(() => new URL(page.url()).search).toBe('?state=failed&q=oven');
    const colleague = await openSignedIn(new URL(page.url()).pathname + new URL(page.url()).search);
    await expect.poll(() => colleague.page.locator('[data-task]').count()).toBe(1);
    await colleague.page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => colleague.page.locator('[data-task]').count()).toBeGreaterThan(2);
  });

  it('[U1][U3] without a mouse: to the tasks, down the rows, into one, along its views, back', async () => {
    await send('one for the keyboard');
    const { page } = await openSignedIn('/ui/');
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.getByRole('link', { name: 'one for the keyboard' }).waitFor();
    await page.keyboard.press('j');
    await page.locator('[data-active]').getByText('one for the keyboard').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'one for the keyboard', level: 1 }).waitFor();
    await page.keyboard.press('2');
    await page.getByRole('region', { name: 'Timeline' }).waitFor();
    expect(new URL(page.url()).searchParams.get('tab')).toBe('timeline');
    await page.keyboard.press('Escape');
    await expect.poll(() => new URL(page.url()).pathname).toBe('/ui/tasks');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('Send a message').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('A task id').waitFor();
    await page.keyboard.type('for the keyboard');
    await page.getByRole('option', { name: 'one for the keyboard' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'one for the keyboard', level: 1 }).waitFor();
  });

  it('[U1] a server that is gone is said to be gone; when it is back the list goes on', async () => {
    const { page } = await openSignedIn('/ui/tasks', { expected: /ERR_|Failed to load|503/ });
    await page.locator('[data-task]').first().waitFor();
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Any time' }).click();
    await page.getByRole('menuitemradio', { name: 'last hour' }).click();
    await page.getByText('The server does not answer. What you see').waitFor();
    await page.context().setOffline(false);
    await expect.poll(() => page.getByText('The server does not answer. What you see').count()).toBe(0);
    await expect.poll(() => page.locator('[data-task]').count()).toBeGreaterThan(0);
  });
});
