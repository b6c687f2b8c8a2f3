/** Captured frames in a browser: started, counted down, shown as they went over the wire, stopped. */
import { describe, expect, it } from 'vitest';
import { axeViolations } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('frames on the wire', () => {
  const { server, openSignedIn, send } = useConsole();

  const subscribe = (taskId: string) =>
    fetch(`${server().url}/a2a`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server().adminKey}`,
        'a2a-version': '0.3',
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tasks/get', params: { id: taskId } }),
    });

  it('[U1] nothing is captured until asked for; then calls are shown as they come, until it is stopped', async () => {
    const task = await send('/ask Which city?');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}?tab=frames`);
    await page.getByText('No call about this task was captured').waitFor();
    await page.getByText('Rebuilt from the log').waitFor();
    await page.getByRole('button', { name: 'Capture the next 10 minutes' }).click();
    const timer = page.getByRole('timer');
    await timer.waitFor();
    const first = await timer.textContent();
    expect(first).toMatch(/^(10:00|9:\d\d) left$/);
    // It counts down.
    await expect.poll(() => timer.textContent()).not.toBe(first);
    expect((await subscribe(task.id)).status).toBe(200);
    await page.getByText('As they went over the wire').waitFor();
    await page.getByRole('heading', { name: /JSON-RPC 0\.3 .* by the admin/ }).waitFor();
    const request = page.getByText('POST /a2a HTTP/1.1');
    await request.first().click();
    await page.getByText('authorization: Bearer ***').waitFor();
    await page.getByText('"method": "tasks/get"').waitFor();
    expect(await page.content()).not.toContain(server().adminKey);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByText('Rebuilt', { exact: true }).click();
    await page.getByText('Rebuilt from the log').waitFor();
    await page.getByRole('button', { name: 'Stop capturing' }).click();
    await page.getByRole('button', { name: 'Capture the next 10 minutes' }).waitFor();
    await subscribe(task.id);
    const list = await fetch(`${server().url}/api/v1/tasks/${task.id}/captured-frames`, {
      headers: { authorization: `Bearer ${server().adminKey}` },
    });
    const { frames } = (await list.json()) as { frames: unknown[] };
    expect(frames).toHaveLength(2);
  });

  it("[U1][U3] an agent's page starts a capture, lists what was captured, leads to the task, and forgets it", async () => {
    const { page } = await openSignedIn('/ui/agents/echo');
    const forget = page.getByRole('button', { name: 'Forget' });
    await page.getByRole('button', { name: 'Capture the next 10 minutes' }).click();
    await page.getByRole('timer').waitFor();
    const task = await send('hello on the wire');
    await page.getByText(/ · 2 frames · /).waitFor();
    await page.getByRole('button', { name: 'Stop capturing' }).click();
    await page.getByRole('button', { name: 'Show the frames' }).first().click();
    await page.getByText('POST /a2a/message:send HTTP/1.1').first().waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('link', { name: `${task.id.slice(0, 6)}…${task.id.slice(-4)}` }).click();
    await page.getByText('As they went over the wire').waitFor();
    await page.goBack();
    await forget.first().waitFor();
    for (let left = await forget.count(); left > 0; left--) {
      await forget.first().click();
      await expect.poll(() => forget.count()).toBe(left - 1);
    }
    await page.getByText('Nothing is captured until somebody asks for it').waitFor();
  });
});
