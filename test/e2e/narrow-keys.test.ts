/** What a key that may only look is offered in the console: everything to see, nothing that it would be refused. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { sendOverA2a } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

/** A delivery is given up after a few attempts in half a second. */
const CONFIG = `streams: { heartbeatMs: 1000 }
push:
  allowNetworks: [127.0.0.0/8]
  pollMs: 20
  retry: { initialDelayMs: 50, giveUpAfterMs: 500, maxDelayMs: 100 }
`;

describe.skipIf(hasNoBrowser)('a key that may only look', () => {
  const { server, open } = useConsole({ config: CONFIG });

  const manage = async <T>(method: string, path: string, body: object, key = server().adminKey): Promise<T> => {
    const response = await fetch(`${server().url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect([path, response.ok]).toEqual([path, true]);
    return (await response.json()) as T;
  };
  const offers = (page: Page) =>
    page.getByRole('button', {
      name: /^(Send|Send a message|Send again|Cancel|Answer|Add a receiver|Delete|Redeliver|Redeliver all|Throw away|Try it|Capture the next|Stop capturing|Forget)/,
      disabled: false,
    });

  it('[U1][I2] is offered no sending, canceling, answering, redelivering or capturing, and told why', async () => {
    const { id, key } = await manage<{ id: string; key: string }>('POST', '/api/v1/keys', { name: 'the reader' });
    const asOwner = { url: server().url, adminKey: key };
    const waiting = await sendOverA2a(asOwner, '/ask Which gate?');
    const told = await sendOverA2a(asOwner, '/ask Which door?');
    await manage('POST', `/api/v1/tasks/${told.id}/push-configs`, { url: 'http://127.0.0.1:9/hook' }, key);
    const message = { messageId: 'the-answer', parts: [{ text: 'the blue one' }] };
    await manage('POST', `/api/v1/tasks/${told.id}/messages`, { message, mode: 'blocking' }, key);

    // Whoever leaves a page while it tells what it follows is told that its connection is gone.
    const view = await open({ expected: /404.*\/api\/v1\/live\// });
    const { page } = view;
    await view.signIn(key, `/ui/tasks/${waiting.id}`);
    await page.getByLabel('The agent waits for your answer').waitFor();
    await page.getByRole('button', { name: 'Cancel', exact: true }).waitFor();
    // Its scopes are as narrow as one likes only when it is made: this one is another reader of the same tasks.
    await manage('PATCH', `/api/v1/keys/${id}`, { scopes: ['tasks:read'] });
    await view.goto(`/ui/tasks/${waiting.id}`);
    await page.getByText('it has no scope tasks:write').waitFor();
    expect(await offers(page).count()).toBe(0);
    await page.keyboard.press('n');
    await view.goto(`/ui/tasks/${told.id}?tab=deliveries`);
    await page.getByText('every attempt failed').first().waitFor();
    expect(await offers(page).count()).toBe(0);
    await view.goto('/ui/deliveries?state=dead');
    await page.getByText('every attempt failed').first().waitFor();
    expect(await offers(page).count()).toBe(0);
    await view.goto('/ui/agents/echo');
    await page.getByText('Nothing is captured until somebody asks for it').waitFor();
    expect(await offers(page).count()).toBe(0);
    expect(await page.getByRole('button', { name: /^Try: /, disabled: false }).count()).toBe(0);
    await view.goto(`/ui/tasks/${told.id}?tab=frames`);
    await page.getByText('Rebuilt from the log').waitFor();
    expect(await offers(page).count()).toBe(0);
    await view.goto('/ui/tasks?q=nothing-like-this');
    await page.getByRole('heading', { name: 'No task fits' }).waitFor();
    expect(await offers(page).count()).toBe(0);
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('[U1][I2] that is narrowed while somebody looks goes on to show what happens, and offers less from then on', async () => {
    const { id, key } = await manage<{ id: string; key: string }>('POST', '/api/v1/keys', { name: 'the writer' });
    const view = await open();
    const { page } = view;
    await view.signIn(key, '/ui/tasks?follow=true');
    const live = page.getByRole('status', { name: 'Live connection: live' });
    await live.waitFor();
    expect(await offers(page).count()).toBeGreaterThan(0);
    const before = view.liveConnections.length;
    await manage('PATCH', `/api/v1/keys/${id}`, { scopes: ['tasks:read'] });
    await expect.poll(() => view.liveConnections.length).toBeGreaterThan(before);
    await live.waitFor();
    await expect.poll(() => offers(page).count()).toBe(0);
  });
});
