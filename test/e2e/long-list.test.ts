/** A long list of tasks in a browser: to its end, with conditions, after a break of the connection, while following. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fillWithTasks } from '../support/fill-tasks.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

const COUNT = 3000;
const ROW_PX = 32;

describe.skipIf(hasNoBrowser)('a long list of tasks', () => {
  const { server, openSignedIn, send } = useConsole();
  const scroller = (page: Page) => page.locator('[role=rowgroup].overflow-y-auto');
  const scrollBy = (page: Page, px: number) => scroller(page).evaluate((list, by) => list.scrollBy(0, by), px);

  beforeAll(async () => {
    if (hasNoBrowser) return;
    await server().stop();
    await fillWithTasks(join(server().dataDir, 'parley.sqlite'), COUNT);
    await server().start();
  });

  it('[U1] scrolls to its end, each task once and in order; no more rows are there than are seen', async () => {
    const { page } = await openSignedIn('/ui/tasks');
    await page.locator('[data-task]').first().waitFor();
    await expect
      .poll(async () => {
        await scrollBy(page, 1_000_000);
        return page.getByText('task number 0', { exact: true }).count();
      })
      .toBe(1);
    expect(await scroller(page).evaluate((list) => list.scrollHeight)).toBe(COUNT * ROW_PX);
    expect(await page.locator('[data-task]').count()).toBeLessThan(100);
    // Upwards, so fast that rows are not whole; where one stops they are.
    // In the page: each step as soon as the rows of the one before are there.
    const numbers = await page.evaluate<number[]>(`(async () => {
      const list = document.querySelector('[role=rowgroup].overflow-y-auto');
      const rows = () => [...list.querySelectorAll('[data-task]')];
      const topOf = (row) => row.getBoundingClientRect().top - list.getBoundingClientRect().top;
      const isDrawn = () => {
        const tops = rows().map(topOf);
        return Math.min(...tops) <= 0 && Math.max(...tops) >= list.clientHeight - 2 * ${ROW_PX};
      };
      const numbers = new Set();
      for (;;) {
        while (!isDrawn()) await new Promise(requestAnimationFrame);
        for (const row of rows()) numbers.add(Number(/task number (\\d+)/.exec(row.textContent)?.[1]));
        if (list.scrollTop === 0) return [...numbers];
        list.scrollBy(0, -20 * ${ROW_PX});
      }
    })()`);
    await page.getByText(`task number ${COUNT - 1}`, { exact: true }).waitFor();
    expect(numbers.length).toBe(COUNT);
    const row = page.locator('[data-task]').first();
    expect(await row.getByRole('link').getAttribute('href')).toMatch(/^\/ui\/tasks\/[0-9a-f-]{36}$/);
    await row.getByRole('link').click();
    await page.getByRole('heading', { name: `task number ${COUNT - 1}` }).waitFor();
  });

  it('[U1] after a break of the connection a long list says that it may have changed, and is read again when asked', async () => {
    const { page } = await openSignedIn('/ui/tasks', { expected: /ERR_|50\d|401/ });
    await page.locator('[data-task]').first().waitFor();
    // More than is read again by itself.
    await expect
      .poll(async () => {
        await scrollBy(page, 1_000_000);
        return scroller(page).evaluate((list) => list.scrollHeight);
      })
      .toBeGreaterThan(900 * ROW_PX);
    const live = page.getByRole('status', { name: /^Live connection/ });
    await server().kill9();
    await expect.poll(() => live.getAttribute('data-status')).toBe('error');
    // What is told live is news; this is about what was not.
    const lives = '**/api/v1/live?*';
    await page.route(lives, (route) => route.abort());
    await server().start();
    await send('while nobody looked');
    await page.unroute(lives);
    const again = page.getByRole('button', { name: 'Changed meanwhile: read again' });
    await again.waitFor({ timeout: 60_000 });
    const top = await scroller(page).evaluate((list) => list.scrollTop);
    expect(top).toBeGreaterThan(0);
    await again.click();
    await page.getByText('while nobody looked').waitFor();
    expect(await scroller(page).evaluate((list) => list.scrollTop)).toBe(0);
    await again.waitFor({ state: 'detached' });
  });

  it('[U1] who begins to follow in the middle of a long list sees its newest tasks, as they come', async () => {
    const { page } = await openSignedIn('/ui/tasks');
    await page.locator('[data-task]').first().waitFor();
    await expect
      .poll(async () => {
        await scrollBy(page, 1_000_000);
        return scroller(page).evaluate((list) => list.scrollHeight);
      })
      .toBeGreaterThan(900 * ROW_PX);
    await page.keyboard.press('f');
    await page.getByRole('button', { name: 'Following' }).waitFor();
    await expect.poll(() => scroller(page).evaluate((list) => list.scrollTop)).toBe(0);
    for (const name of ['one', 'two']) {
      await send(`followed ${name}`);
      await expect.poll(() => page.locator('[data-task]').first().textContent()).toContain(`followed ${name}`);
    }
  });

  it('[U1][U3] a span of time is a condition in the address; a point of a chart leads to the tasks of its time', async () => {
    const from = new Date(Date.now() - 1_000_000).toISOString();
    const before = new Date(Date.now() - 900_000).toISOString();
    const { page } = await openSignedIn(`/ui/tasks?from=${from}&before=${before}`);
    await expect.poll(() => page.getByText(/^\d+ found$/).textContent()).toMatch(/^(99|100) found$/);
    await page.getByRole('button', { name: 'Any time', exact: true }).last().click();
    await page
      .getByText(/tasks$/)
      .first()
      .waitFor();
    expect(new URL(page.url()).search).toBe('');
    await send('on the chart');
    await page.goto(`${server().url}/ui/?window=15m`);
    const chart = page.getByRole('img', { name: /^Tasks\. Latest/ });
    await chart.waitFor();
    const box = await chart.boundingBox();
    if (box === null) throw new Error('The chart is not seen');
    await expect
      .poll(async () => {
        // The last point; the overview counts in steps.
        await page.mouse.move(box.x + box.width - 40, box.y + 50);
        await page.mouse.click(box.x + box.width - 20, box.y + 50);
        return new URL(page.url()).pathname;
      })
      .toBe('/ui/tasks');
    expect(new URL(page.url()).search).toMatch(/from=.*before=/);
  });
});
