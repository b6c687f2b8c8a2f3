/** Keys, agents, overview, settings: what an admin does in a browser, and what a key sees of it. */
import { describe, expect, it } from 'vitest';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('the pages of the admin', () => {
  const { server, open, openSignedIn, send } = useConsole();

  it('[U3][I2] a key is made, shown once, rotated, disabled, revoked; signed in with it one sees only its own', async () => {
    await send('only for the admin');
    const { page } = await openSignedIn('/ui/keys');
    await page.getByRole('heading', { name: 'No keys yet' }).waitFor();
    await page.keyboard.press('a');
    await page.getByLabel('Name').waitFor();
    await page.keyboard.type('the weather client');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'The key of “the weather client”' });
    const key = (await dialog.locator('code').textContent()) ?? '';
    expect(key.length).toBeGreaterThan(20);
    await page.keyboard.press('Escape');
    await page.getByRole('cell', { name: /the weather client active/ }).waitFor();
    expect(await page.content()).not.toContain(key);

    const client = await open({ expected: /401/ });
    await client.signIn(key, '/ui/tasks');
    await client.page.getByRole('heading', { name: 'No tasks yet' }).waitFor();
    expect(await client.page.getByRole('link', { name: 'Keys' }).count()).toBe(0);

    const act = async (action: string) => {
      await page.getByRole('button', { name: 'Actions for the weather client' }).click();
      await page.getByRole('menuitem', { name: action }).click();
    };
    await act('Rotate');
    await page.getByRole('button', { name: 'Rotate the key' }).click();
    const rotated = (await dialog.locator('code').textContent()) ?? '';
    expect(rotated).not.toBe(key);
    await page.getByRole('button', { name: 'I have it' }).click();
    await act('Disable');
    await page.getByRole('cell', { name: /the weather client disabled/ }).waitFor();
    await act('Enable');
    await page.getByRole('cell', { name: /the weather client active/ }).waitFor();
    await act('Revoke');
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByRole('heading', { name: 'No keys yet' }).waitFor();
    // Its session is over with it.
    await client.page.getByRole('heading', { name: 'Sign in to Parley' }).waitFor();
  });

  it('[U3] an agent is tried from its card: a skill, the send dialog, the task', async () => {
    const { page } = await openSignedIn('/ui/agents');
    await page.getByRole('link', { name: 'Echo' }).click();
    await page.getByRole('heading', { name: 'Checks of the card' }).waitFor();
    await page.getByRole('button', { name: 'Try: /fail out of coffee' }).click();
    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('/fail out of coffee');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('log').getByText('failed').waitFor();
    await page.getByRole('log').getByText('out of coffee').last().waitFor();
  });

  it('[U3] what was written and not sent is there the next time, until it is sent or another one signs in', async () => {
    // What the task's page asks for while one signs out is refused; the overview is not asked for before somebody is there.
    const { page } = await openSignedIn('/ui/tasks', { expected: /401(?!.*overview)/ });
    const text = page.getByLabel('Text', { exact: true });
    const write = async (words: string) => {
      await page.keyboard.press('n');
      await text.fill(words);
    };
    const isClosed = () => page.getByRole('dialog').waitFor({ state: 'detached' });
    await write('a long story, not yet at its end');
    await page.keyboard.press('Escape');
    await isClosed();
    // A draft from elsewhere neither shows it nor takes its place.
    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.getByRole('link', { name: 'Echo' }).click();
    await page.getByRole('button', { name: 'Try: /fail out of coffee' }).click();
    expect(await text.inputValue()).toBe('/fail out of coffee');
    await text.fill('/fail out of tea');
    await page.keyboard.press('Escape');
    await isClosed();
    await page.keyboard.press('n');
    expect(await text.inputValue()).toBe('a long story, not yet at its end');
    await text.fill('a long story with an end');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('heading', { name: 'a long story with an end', level: 1 }).waitFor();
    await page.keyboard.press('n');
    expect(await text.inputValue()).toBe('');
    await text.fill('for my eyes only');
    await page.keyboard.press('Escape');
    await isClosed();
    await page.getByRole('button', { name: 'Signed in as admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByLabel('Key', { exact: true }).fill(server().adminKey);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Send a message' }).click();
    expect(await text.inputValue()).toBe('');
  });

  it('[U3] every number of the overview leads to its tasks', async () => {
    await send('/ask Who goes there?');
    await send('/fail no bread');
    const { page } = await openSignedIn('/ui/');
    await page.getByRole('link', { name: 'Who goes there?' }).waitFor();
    await page.getByText('no bread').waitFor();
    await page.getByRole('img', { name: /^Requests\. Latest: all: / }).waitFor();
    await page.getByRole('link', { name: /1\s*input required/ }).click();
    await expect.poll(() => page.locator('[data-task]').count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?state=input-required');
  });

  it('[U3] settings show what holds and where it comes from, without a secret', async () => {
    const { page } = await openSignedIn('/ui/settings');
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.getByText('Configuration', { exact: true }).click();
    await page.getByText('env PORT').waitFor();
    await page.getByLabel('Search in the configuration').fill('adminKey');
    await page.getByText('ADMIN_API_KEY', { exact: false }).first().waitFor();
    expect(await page.content()).not.toContain(server().adminKey);
  });

  it('[U1] an address that leads nowhere is a real 404 with a way back', async () => {
    const view = await openSignedIn('/ui/', { expected: /404/ });
    const { page } = view;
    const answered = page.waitForResponse((response) => response.url().endsWith('/ui/nowhere'));
    await view.goto('/ui/nowhere');
    expect((await answered).status()).toBe(404);
    await page.getByRole('link', { name: 'To the overview' }).click();
    await page.getByRole('list', { name: 'Tasks by state' }).waitFor();
  });
});
