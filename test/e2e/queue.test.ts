/** Tasks that wait for a replica with room, in a browser. */
import { describe, expect, it } from 'vitest';
import { cancelOverA2a } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('the queue', () => {
  const { openSignedIn, send, server } = useConsole({ config: 'tasks: { maxRunningPerAgent: 1 }\n' });

  it('[U1] a queued task says in the list that it waits, since when and why, and on its own page what is before it', async () => {
    const running = await send('/sleep 600000');
    await send('second in line');
    await send('third in line');
    const { page } = await openSignedIn('/ui/tasks');
    const rowOf = (text: string) => page.locator('[data-task]').filter({ hasText: text });
    await rowOf('third in line')
      .getByText(/queued for .*: agent full/)
      .waitFor();
    await rowOf('second in line').getByRole('link').first().click();
    await page.getByText(/the next of this owner/).waitFor();
    await page.goto(`${server().url}/ui/`);
    await page.getByRole('link', { name: /2 tasks in the queue, the longest for/ }).waitFor();
    await page.goto(`${server().url}/ui/tasks`);
    await rowOf('third in line').getByRole('link').first().click();
    await page.getByText(/1 of this owner before it/).waitFor();
    await cancelOverA2a(server(), running.id);
    await page.getByRole('log').getByText('completed').waitFor();
    expect(await page.getByText(/before it|the next of/).count()).toBe(0);
  });

  it('[U1] a row draws the rate of its events, and draws it anew when more have come', async () => {
    const { page } = await openSignedIn('/ui/tasks');
    await send('/stream count=5 interval=1 delay=4000');
    const row = page.locator('[data-task]').filter({ hasText: 'delay=4000' });
    // What is new waits, unless one follows.
    await page.keyboard.press('f');
    await row.waitFor();
    const rate = () => row.locator('[data-rate]').first().getAttribute('data-rate');
    await expect.poll(rate).toMatch(/^\d*$/);
    await row.getByText('completed').waitFor();
    // All but its beginning came at the end.
    await expect.poll(rate, { timeout: 20_000 }).toMatch(/^\d0{10}\d*9$/);
  });

  it('[U1] what could not be asked for while the page was hidden is asked for when it is seen', async () => {
    const running = await send('/sleep 600007');
    const queued = await send('waits unseen');
    const { page } = await openSignedIn('/ui/agents');
    const turn = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await turn(true);
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    const row = page.locator('[data-task]').filter({ hasText: 'waits unseen' });
    await row.waitFor();
    // By then what is asked for when scrolling rests would have been.
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 1000))');
    expect(await row.getByText(/queued for/).count()).toBe(0);
    await turn(false);
    await row.getByText(/queued for .*: agent full/).waitFor();
    await Promise.all([cancelOverA2a(server(), queued.id), cancelOverA2a(server(), running.id)]);
  });
});
