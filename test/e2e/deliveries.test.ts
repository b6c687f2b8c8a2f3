/** Push notifications in a browser: receivers made and deleted, what does not arrive, and what a person does about it. */
import { describe, expect, it } from 'vitest';
import { axeViolations } from '../support/browser.ts';
import { startReceiver } from '../support/receiver.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

/** A delivery is given up after a few attempts in half a second. */
const CONFIG = `push:
  allowNetworks: [127.0.0.0/8]
  pollMs: 20
  retry: { initialDelayMs: 50, giveUpAfterMs: 500, maxDelayMs: 100 }
`;

describe.skipIf(hasNoBrowser)('push deliveries', () => {
  const { openSignedIn, send, server } = useConsole({ config: CONFIG });

  const countOf = async (state: 'pending' | 'dead'): Promise<number> => {
    const response = await fetch(`${server().url}/api/v1/push/deliveries?state=${state}`, {
      headers: { authorization: `Bearer ${server().adminKey}` },
    });
    const { deliveries } = (await response.json()) as { deliveries: unknown[] };
    return deliveries.length;
  };

  it('[U1][A11] a receiver is added, told, deleted; its secrets are shown to nobody again', async () => {
    const receiver = await startReceiver();
    const task = await send('/ask Which city?');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}?tab=deliveries`);
    const add = async () => {
      await page.getByText('Nobody. A receiver gets each event').waitFor();
      await page.getByRole('button', { name: 'Add a receiver' }).click();
      await page.getByLabel('Address').fill(receiver.url());
      await page.getByLabel('Token').fill('a-token-of-the-receiver');
      await page.getByLabel('Credentials').fill('credentials-of-the-receiver');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await page.getByText(receiver.url()).waitFor();
    };
    await add();
    await page.getByText('with Bearer credentials').waitFor();
    expect(await page.content()).not.toMatch(/a-token-of|credentials-of/);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Delete 127.0.0.1' }).click();
    await page.getByText('is told nothing more of this task').waitFor();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await add();
    await page.getByRole('tab', { name: 'Conversation' }).click();
    await page.getByLabel('The agent waits for your answer').fill('Oslo');
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    const [first] = await receiver.until(1);
    expect(first?.headers).toMatchObject({
      'x-a2a-notification-token': 'a-token-of-the-receiver',
      authorization: 'Bearer credentials-of-the-receiver',
    });
    await page.getByRole('log').getByText('completed').waitFor();
    await page.getByRole('tab', { name: 'Deliveries' }).click();
    await page.getByText('The task has ended: there is nothing more to tell').waitFor();
    expect(await page.getByRole('button', { name: 'Add a receiver' }).count()).toBe(0);
    // The one that was deleted was told nothing.
    expect(new Set(receiver.eventIds).size).toBe(receiver.received.length);
  });

  it('[U1][A13] an address that may not be called is refused at its field, with the reason', async () => {
    const task = await send('/ask Which city?');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}?tab=deliveries`, { expected: /400/ });
    await page.getByRole('button', { name: 'Add a receiver' }).click();
    const address = page.getByLabel('Address');
    await address.fill('https://10.1.2.3/hook');
    await page.keyboard.press('Enter');
    await page.getByText('must be an address of the public internet').waitFor();
    await page.getByText('push.allowNetworks (parley.yaml, or PUSH_ALLOW_NETWORKS in the environment)').waitFor();
    expect(await address.getAttribute('aria-invalid')).toBe('true');
    expect(await axeViolations(page)).toEqual([]);
    expect(await address.inputValue()).toBe('https://10.1.2.3/hook');
  });

  it('[U1][A11] what failed shows its attempts; it is sent again once the receiver is well, or thrown away', async () => {
    const receiver = await startReceiver();
    receiver.reactions = [503];
    const task = await send('/ask Which city?');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}?tab=deliveries`);
    await page.getByRole('button', { name: 'Add a receiver' }).click();
    await page.getByLabel('Address').fill(receiver.url());
    await page.keyboard.press('Enter');
    await page.getByText(receiver.url()).waitFor();
    await page.getByRole('tab', { name: 'Conversation' }).click();
    await page.getByLabel('The agent waits for your answer').fill('Oslo');
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    await page.getByRole('log').getByText('completed').waitFor();

    await page.getByRole('link', { name: 'Deliveries' }).first().click();
    await page.getByText('Given up', { exact: true }).click();
    const rows = page.getByRole('listitem').filter({ hasText: 'every attempt failed' });
    // A task that ends has several events; all of them fail, one after the other.
    await expect.poll(() => countOf('pending')).toBe(0);
    const dead = await countOf('dead');
    expect(dead).toBeGreaterThanOrEqual(2);
    await expect.poll(() => rows.count()).toBe(dead);
    await rows
      .first()
      .getByText(/failed attempts?$/)
      .click();
    await rows.first().getByText('HTTP 503').first().waitFor();
    expect(await axeViolations(page)).toEqual([]);

    receiver.reactions = [204];
    const before = receiver.received.length;
    const again = rows.first().getByRole('button', { name: 'Redeliver', exact: true });
    await again.click();
    await receiver.until(before + 1);
    await expect.poll(() => rows.count()).toBe(dead - 1);
    await rows.first().getByRole('button', { name: 'Throw away' }).click();
    await page.getByText('will never be told of event').waitFor();
    await page.getByRole('button', { name: 'Throw it away' }).click();
    await expect.poll(() => rows.count()).toBe(dead - 2);
    expect(receiver.received.length).toBe(before + 1);
  });
});
