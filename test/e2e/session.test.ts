/** Signing in and out of the console, and what it leaves in the browser. */
import { describe, expect, it } from 'vitest';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('signing in to the console', () => {
  const { server, open, openSignedIn } = useConsole();

  it('[U1][I12] a wrong key is refused with a reason; the right one opens the address that was asked for', async () => {
    const view = await open({ expected: /401/ });
    const { page } = view;
    await view.goto('/ui/tasks?state=failed');
    await page.getByLabel('Key', { exact: true }).fill('not-a-key-of-this-server');
    await page.keyboard.press('Enter');
    await page.getByText('No such key').waitFor();
    await page.getByLabel('Key', { exact: true }).fill(server().adminKey);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Tasks' }).waitFor();
    expect(new URL(page.url()).search).toBe('?state=failed');
    await page.getByRole('button', { name: 'failed' }).waitFor();
  });

  it('[I12] the key is nowhere in the browser, and no script can read the session', async () => {
    const { page } = await openSignedIn('/ui/');
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML])',
    );
    expect(kept).not.toContain(server().adminKey);
    expect(await page.evaluate('document.cookie')).toBe('');
    const cookies = await page.context().cookies();
    expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
      { httpOnly: true, sameSite: 'Strict' },
    ]);
  });

  it('[I12] signing out forgets all that was shown; the cookie of before opens nothing', async () => {
    const { page } = await openSignedIn('/ui/');
    const before = await page.context().cookies();
    await page.getByRole('button', { name: 'Signed in as admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Parley' }).waitFor();
    await page.context().addCookies(before);
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in to Parley' }).waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
  });

  it('[I12] a session that is ended elsewhere shows the sign-in page at once: the live connection tells it', async () => {
    const other = await openSignedIn('/ui/tasks', { expected: /401/ });
    const { page } = await openSignedIn('/ui/settings?tab=sessions');
    const ends = page.getByRole('button', { name: 'End', exact: true });
    await ends.first().waitFor();
    // Those of the tests before are there too.
    for (let left = await ends.count(); left > 0; left--) {
      await ends.first().click();
      await page.getByRole('button', { name: 'End the session' }).click();
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await expect.poll(() => ends.count()).toBe(left - 1);
    }
    await other.page.getByRole('heading', { name: 'Sign in to Parley' }).waitFor();
  });
});
