/** One task in a browser: its stream, its views, and what a person can do to it. */
import { describe, expect, it } from 'vitest';
import { cancelOverA2a } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('the page of a task', () => {
  const { server, openSignedIn, send } = useConsole();

  it('[U1][A9] its stream goes from live to closed, and no connection is made again', async () => {
    const task = await send('/sleep 600000');
    // Below the width at which the list is beside it: nothing but the task is followed.
    const view = await openSignedIn(`/ui/tasks/${task.id}`, { width: 900 });
    const { page } = view;
    const badge = page.getByRole('status', { name: /^Stream of the task/ });
    await expect.poll(() => badge.getAttribute('data-status')).toBe('live');
    // From here on the browser's clock is turned by this test: any timer that would connect again has its chance.
    await page.clock.install();
    await cancelOverA2a(server(), task.id);
    await expect.poll(() => badge.getAttribute('data-status')).toBe('closed');
    const connections = view.liveConnections.length;
    expect(connections).toBe(1);
    await page.clock.runFor(40_000);
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await page.evaluate("window.dispatchEvent(new Event('online'))");
    await page.clock.runFor(40_000);
    expect(await badge.getAttribute('data-status')).toBe('closed');
    expect(view.liveConnections.length).toBe(connections);
    expect(await page.getByRole('status', { name: /^Live connection/ }).getAttribute('data-status')).toBe('idle');
  });

  it('[U1] a task that has ended is never connected to at all', async () => {
    const task = await send('over before one looks');
    const view = await openSignedIn(`/ui/tasks/${task.id}`, { width: 900 });
    const badge = view.page.getByRole('status', { name: /^Stream of the task/ });
    await expect.poll(() => badge.getAttribute('data-status')).toBe('closed');
    expect(view.liveConnections).toEqual([]);
  });

  it('[U1][A9][A10] after a crash of the server it goes on from the last event that it holds', async () => {
    const task = await send('/stream count=40 interval=150');
    const view = await openSignedIn(`/ui/tasks/${task.id}?tab=timeline`, { width: 900, expected: /ERR_|50\d/ });
    const { page } = view;
    const badge = page.getByRole('status', { name: /^Stream of the task/ });
    await expect.poll(() => badge.getAttribute('data-status')).toBe('live');
    await server().kill9();
    await expect.poll(() => badge.getAttribute('data-status')).toBe('error');
    await server().start();
    await expect.poll(() => badge.getAttribute('data-status'), { timeout: 60_000 }).toBe('closed');
    const held = view.liveConnections.map((search) => new URLSearchParams(search).get('tasks') ?? '');
    const last = Number(held.at(-1)?.split(':')[1]);
    expect(last).toBeGreaterThan(0);
    await page.getByRole('tab', { name: 'Artifacts 1', exact: true }).click();
    const ticks = (await page.getByRole('region', { name: 'ticks' }).textContent()) ?? '';
    const numbers = [...ticks.matchAll(/tick (\d+) /g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 40 }, (_, number) => number));
  });

  it('[U1] a person answers a task that waits, without a mouse', async () => {
    const task = await send('/ask Which city?');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}`);
    const answer = page.getByLabel('The agent waits for your answer');
    await answer.waitFor();
    await answer.focus();
    await page.keyboard.type('Oslo');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('log').getByText('completed').waitFor();
    await page.getByRole('region', { name: 'Artifact echo' }).getByText('Oslo').waitFor();
    await expect.poll(() => answer.count()).toBe(0);
  });

  it('[U1] a running task is canceled after one question that names it', async () => {
    const task = await send('/sleep 600000');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}`);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('dialog').getByText('“/sleep 600000”').waitFor();
    await page.getByRole('button', { name: 'Cancel the task' }).click();
    await page.getByRole('log').getByText('canceled').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Cancel', exact: true }).count()).toBe(0);
  });

  it('[U1] timeline, frames and conversation show the same event as chosen; the address keeps it', async () => {
    const task = await send('/stream count=3 interval=50');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}?tab=timeline`);
    await page.getByRole('button', { name: /tick 1/ }).click();
    await page.getByText('"append": true').waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get('seq')).toBe('4');
    await page.getByRole('tab', { name: 'Frames' }).click();
    await page.getByText('Rebuilt from the log').waitFor();
    await page.getByText('#4', { exact: true }).waitFor();
    await page.getByText('Side by side').click();
    await page.getByRole('heading', { name: 'A2A 0.3' }).waitFor();
    await page.getByRole('region', { name: 'Frames, A2A 0.3' }).getByText('artifact-update').first().waitFor();
  });

  it('[U1] what others have written is shown, and never runs or loads anything', async () => {
    const { page } = await openSignedIn('/ui/tasks');
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.keyboard.press('n');
    await page.getByLabel('Text', { exact: true }).waitFor();
    await page.keyboard.type(
      '**bold** <img src=x onerror=alert(1)> ![dot](https://elsewhere.example/x.png) [in](javascript:alert(1))',
    );
    await page.getByRole('button', { name: 'Add JSON' }).click();
    await page.getByLabel('JSON').fill('{"city":"Oslo","max":[14.2,16]}');
    await page.locator('input[type=file]').setInputFiles([
      { name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<script>alert(1)</script>') },
      { name: 'mark.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg onload="alert(1)"/>') },
    ]);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    const artifact = page.getByRole('region', { name: 'Artifact echo' });
    await artifact.getByText('bold').waitFor();
    expect(await artifact.locator('strong').textContent()).toBe('bold');
    expect(await page.locator('main img, main iframe, main object, main embed').count()).toBe(0);
    expect(await artifact.locator('a[href^="javascript"]').count()).toBe(0);
    await artifact.getByText('"Oslo"').waitFor();
    expect(requests.filter((url) => !url.startsWith(server().url))).toEqual([]);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      artifact.getByRole('button', { name: 'Save page.html' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('page.html');
  });
});
