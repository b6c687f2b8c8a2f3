/** Where the focus is when a menu, a dialog or the palette closes: where it was, or where somebody types by then. */
import type { Locator, Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasNoBrowser, useConsole } from './setup.ts';

const hasFocus = (locator: Locator) => locator.evaluate((one) => one.matches(':focus'));

/** From here on the browser is late with its timers of no delay, as on a busy machine: until `release()`. */
const holdTimers = (page: Page) =>
  page.evaluate(`{
    const now = setTimeout;
    const held = [];
    setTimeout = (task, ms) => (ms ? now(task, ms) : held.push(task));
    release = () => {
      setTimeout = now;
      for (const task of held) now(task);
    };
  }`);

/** “oven” is begun in the search field, what was late comes, and it is written to its end. */
async function search(page: Page): Promise<void> {
  await page.keyboard.press('/');
  await page.keyboard.type('ov');
  await page.evaluate('release()');
  await page.evaluate('new Promise((resolve) => setTimeout(resolve))');
  await page.keyboard.type('en');
}

describe.skipIf(hasNoBrowser)('[U3] the focus', () => {
  const { openSignedIn, send } = useConsole();
  beforeEach(() => send('there is one task at least'));

  const onTasks = async () => {
    const { page } = await openSignedIn('/ui/tasks');
    await page.locator('[data-task]').first().waitFor();
    return page;
  };

  it('of a field that somebody types in stays there, though a menu closed a moment ago', async () => {
    const page = await onTasks();
    await holdTimers(page);
    await page.getByRole('button', { name: 'State' }).click();
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await search(page);
    await expect.poll(() => new URL(page.url()).search).toBe('?q=oven');
  });

  it('of a field that somebody types in stays there, though a dialog closed a moment ago', async () => {
    const page = await onTasks();
    await page.getByRole('button', { name: 'Any time' }).focus();
    await page.keyboard.press('?');
    await expect.poll(() => hasFocus(page.getByRole('button', { name: 'Close' }))).toBe(true);
    await holdTimers(page);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await search(page);
    await expect.poll(() => new URL(page.url()).search).toBe('?q=oven');
  });

  it('goes back to the button after a menu, a dialog and the palette', async () => {
    const page = await onTasks();
    for (const [name, role, key] of [
      ['State', 'menu', 'Enter'],
      ['Send a message', 'dialog', 'Enter'],
      ['Any time', 'dialog', 'Control+k'],
    ] as const) {
      const button = page.getByRole('button', { name });
      await button.focus();
      await page.keyboard.press(key);
      await page.getByRole(role).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole(role).waitFor({ state: 'detached' });
      await expect.poll(() => hasFocus(button)).toBe(true);
    }
  });

  it('goes back without the hint of the button, for who has a mouse', async () => {
    const page = await onTasks();
    const button = page.getByRole('button', { name: 'Send a message' });
    await button.click();
    await page.getByRole('button', { name: 'Close' }).first().click();
    await expect.poll(() => hasFocus(button)).toBe(true);
    expect(await page.getByRole('tooltip').count()).toBe(0);
  });

  it('goes back to the button of the menu, after a dialog that was chosen in it', async () => {
    const { page } = await openSignedIn('/ui/keys');
    await page.keyboard.press('a');
    await page.getByLabel('Name').fill('focused');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'I have it' }).click();
    const button = page.getByRole('button', { name: 'Actions for focused' });
    await button.click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await expect.poll(() => hasFocus(button)).toBe(true);
  });

  it('goes back to where the first of two dialogs was opened, after the second', async () => {
    const { page } = await openSignedIn('/ui/keys');
    const button = page.getByRole('button', { name: 'New key' });
    await button.click();
    await page.getByLabel('Name').fill('the second');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'I have it' }).click();
    await expect.poll(() => hasFocus(button)).toBe(true);
  });

  it('is in the page after what was chosen in the palette, so that its keys are not typed into a field', async () => {
    const page = await onTasks();
    await page.getByRole('searchbox').fill('task');
    await expect.poll(() => new URL(page.url()).search).toBe('?q=task');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('failed');
    await page.getByRole('option', { name: 'failed' }).click();
    await expect.poll(() => new URL(page.url()).search).toContain('state=failed');
    await expect.poll(() => hasFocus(page.locator('#page'))).toBe(true);
    await page.keyboard.press('g');
    await page.keyboard.press('k');
    await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
  });
});
