/** A slow network, and one that goes and comes back, as the browser's own tools make them. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasNoBrowser, useConsole } from './setup.ts';

/** What people call a jump: the moved part of the window times how far it moved. */
const MUCH = 0.1;
const SLOW = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };
const GONE = { ...SLOW, offline: true };
const WELL = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

describe.skipIf(hasNoBrowser)('a bad network', () => {
  const { openSignedIn, send } = useConsole();

  const network = async (page: Page) => {
    const devtools = await page.context().newCDPSession(page);
    return (conditions: typeof SLOW) => devtools.send('Network.emulateNetworkConditions', conditions);
  };
  const place = (page: Page, name: string) =>
    page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name, exact: true });
  const gone = (page: Page) => page.getByText('The server does not answer. What you see');
  const shifts = (page: Page) => page.evaluate<{ value: number; moved: string[] }[]>('window.shifts.splice(0)');

  it('[U1][U3] slow: each page comes, and nothing that is there jumps', async () => {
    await send('/stream count=3 interval=50');
    await send('/ask Which way?');
    const { page } = await openSignedIn('/ui/settings?tab=sessions');
    await page.evaluate(`
      window.shifts = [];
      const told = ({ node, previousRect, currentRect }) =>
        [node?.outerHTML?.slice(0, 120), JSON.stringify(previousRect), JSON.stringify(currentRect)].join(' ');
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput, sources } of list.getEntries())
          if (!hadRecentInput) window.shifts.push({ value, moved: sources.map(told) });
      }).observe({ type: 'layout-shift' });
    `);
    const set = await network(page);
    await set(SLOW);
    const big: unknown[] = [];
    const look = async (name: string, isThere: Promise<void>) => {
      await isThere;
      for (const shift of await shifts(page)) if (shift.value > MUCH) big.push({ name, ...shift });
    };
    await place(page, 'Overview').click();
    await look('overview', page.getByRole('img', { name: /^Requests/ }).waitFor());
    await place(page, 'Tasks').click();
    await look('tasks', page.getByRole('link', { name: '/ask Which way?' }).waitFor());
    await page.getByRole('link', { name: '/stream count=3' }).click();
    await look('task', page.getByRole('log').getByText('completed').waitFor());
    for (const [tab, words] of [
      ['Timeline', 'tick 1'],
      ['Frames', 'Rebuilt from the log'],
      ['Deliveries', 'None waits and none was given up'],
      ['Related', 'Tasks of the context'],
    ] as const) {
      await page.getByRole('tab', { name: tab }).click();
      await look(tab, page.getByText(words).first().waitFor());
    }
    await place(page, 'Agents').click();
    await look('agents', page.getByRole('heading', { name: 'Echo' }).waitFor());
    await place(page, 'Deliveries').click();
    await look('deliveries', page.getByRole('heading', { name: 'Nothing waits' }).waitFor());
    await place(page, 'Keys').click();
    await look('keys', page.getByRole('heading', { name: 'No keys yet' }).waitFor());
    await place(page, 'Settings').click();
    await look('settings', page.getByRole('heading', { name: 'Database' }).waitFor());
    expect(await page.getByRole('status', { name: /^Loading/ }).count()).toBe(0);
    expect(big).toEqual([]);
  });

  it('[U1] slow: what is sent says so at once, and once', async () => {
    const { page } = await openSignedIn('/ui/tasks');
    const set = await network(page);
    await page.keyboard.press('n');
    await page.getByLabel('Text', { exact: true }).fill('over a long wire');
    await set(SLOW);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    expect(await page.getByRole('button', { name: 'Sending', exact: true }).isDisabled()).toBe(true);
    await page.getByRole('log').getByText('completed').waitFor();
  });

  it('[U1] gone: places that were not seen yet open and say why they are empty, what is typed stays; back: all goes on', async () => {
    const { page } = await openSignedIn('/ui/tasks', { expected: /ERR_|Failed to load/ });
    const live = page.getByRole('status', { name: /^Live connection/ });
    await expect.poll(() => live.getAttribute('data-status')).toBe('live');
    // The rest of the console is loaded in advance.
    await expect
      .poll(() => page.evaluate<string[]>('performance.getEntriesByType("resource").map(({ name }) => name)'))
      .toSatisfy((names: string[]) => names.some((name) => name.includes('/charts-')));
    const set = await network(page);
    await set(GONE);
    await expect.poll(() => live.getAttribute('data-status')).not.toBe('live');
    await gone(page).waitFor();
    await place(page, 'Agents').click();
    await page.getByRole('region', { name: 'Agents' }).waitFor();
    await page
      .getByRole('alert')
      .getByText('no connection')
      .or(page.getByRole('heading', { name: 'Echo' }))
      .waitFor();
    await place(page, 'Deliveries').click();
    await page.getByRole('alert').getByText('no connection').waitFor();
    await page.keyboard.press('n');
    const text = page.getByLabel('Text', { exact: true });
    await text.fill('typed while it was gone');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('dialog').getByText('The server does not answer').waitFor();
    expect(await text.inputValue()).toBe('typed while it was gone');
    await set(WELL);
    await expect.poll(() => gone(page).count()).toBe(0);
    await page.getByRole('dialog').getByRole('combobox', { name: 'Agent' }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Send', exact: true }).isEnabled()).toBe(true);
    await page.keyboard.press('Control+Enter');
    await page.getByRole('log').getByText('completed').waitFor();
    await expect.poll(() => page.getByRole('status', { name: 'Stream of the task: closed' }).count()).toBe(1);
    await place(page, 'Tasks').click();
    await expect.poll(() => live.getAttribute('data-status')).toBe('live');
  });
});
