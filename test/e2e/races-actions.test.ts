/** What a person does in a browser, done twice, too late, or with an answer that is lost; and two tabs of one person. */
import type { Page, Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('what a person does, at odd moments', () => {
  const { server, open, openSignedIn, send } = useConsole();

  const manage = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${server().url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${server().adminKey}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return response.json();
  };
  const tasksWith = async (text: string): Promise<number> => {
    const { tasks } = (await manage(`/api/v1/tasks?text=${encodeURIComponent(text)}`)) as { tasks: unknown[] };
    return tasks.length;
  };
  const submitTwice = (page: Page, selector: string) =>
    page.evaluate(`(() => {
      const form = document.querySelector('${selector}');
      form.requestSubmit();
      form.requestSubmit();
    })()`);
  /** Does it, and loses the answer. */
  const losesAnswer = async (route: Route): Promise<void> => {
    if (route.request().method() !== 'POST') return route.continue();
    await route.fetch();
    await route.abort();
  };

  const hold = () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    return { held, release: () => release() };
  };

  /** What is sent from here on is done, and answered when that is released. */
  const holdAnswers = async (page: Page): Promise<() => void> => {
    const { held, release } = hold();
    await page.route('**/api/v1/tasks', async (route) => {
      const response = await route.fetch();
      await held;
      await route.fulfill({ response });
    });
    return release;
  };

  it('[U1] a message whose answer was lost, sent again, is one task', async () => {
    const { page } = await openSignedIn('/ui/keys', { expected: /ERR_/ });
    await page.keyboard.press('n');
    await page.getByLabel('Text', { exact: true }).fill('a task and no twin');
    await page.route('**/api/v1/tasks', losesAnswer, { times: 1 });
    const sends = page.getByRole('button', { name: 'Send', exact: true });
    await sends.click();
    await page.getByRole('dialog').getByText('The server does not answer').waitFor();
    await sends.click();
    await page.getByRole('log').getByText('completed').waitFor();
    expect(await tasksWith('a task and no twin')).toBe(1);
  });

  it('[U1] a dialog that is closed while it sends, and opened again, sends the same message', async () => {
    const { page } = await openSignedIn('/ui/keys');
    const text = page.getByLabel('Text', { exact: true });
    const release = await holdAnswers(page);
    await page.keyboard.press('n');
    await text.fill('once and for all');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => tasksWith('once and for all')).toBe(1);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('n');
    expect(await text.inputValue()).toBe('once and for all');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Sending' }).waitFor();
    release();
    await page.getByRole('log').getByText('completed').waitFor();
    expect(await tasksWith('once and for all')).toBe(1);
    await page.keyboard.press('n');
    expect(await text.inputValue()).toBe('');
  });

  it('[U1] what is written while a message is being sent is there the next time', async () => {
    const { page } = await openSignedIn('/ui/keys');
    const text = page.getByLabel('Text', { exact: true });
    const release = await holdAnswers(page);
    await page.keyboard.press('n');
    await text.fill('the first one');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Sending' }).waitFor();
    await text.fill('the next one, already');
    release();
    await page.getByRole('heading', { name: 'the first one', level: 1 }).waitFor();
    await page.keyboard.press('n');
    expect(await text.inputValue()).toBe('the next one, already');
  });

  it('[U1] a send that fails after its dialog was closed is told of', async () => {
    const { page } = await openSignedIn('/ui/keys', { expected: /ERR_/ });
    const { held, release } = hold();
    await page.route('**/api/v1/tasks', async (route) => {
      await held;
      await route.abort();
    });
    await page.keyboard.press('n');
    await page.getByLabel('Text', { exact: true }).fill('into the void');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Sending' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    release();
    await page.getByText('Sending: no connection', { exact: true }).waitFor();
    expect(await tasksWith('into the void')).toBe(0);
  });

  it('[U1] an answer pressed twice is given once; what is typed meanwhile, and before a look elsewhere, stays', async () => {
    const task = await send('/ask Which tower?');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}`, { width: 900 });
    const answer = page.getByLabel('The agent waits for your answer');
    await answer.fill('the old one');
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.getByRole('region', { name: 'Timeline' }).waitFor();
    await page.getByRole('tab', { name: 'Conversation' }).click();
    expect(await answer.inputValue()).toBe('the old one');
    const bodies: string[] = [];
    await page.route('**/api/v1/tasks/*/messages', async (route) => {
      bodies.push(route.request().postData() ?? '');
      await route.continue();
    });
    await submitTwice(page, 'form:has(#answer)');
    await page.getByRole('log').getByText('completed').waitFor();
    expect(bodies).toHaveLength(1);
  });

  it('[U1] an answer that is under way is not given again after a look elsewhere', async () => {
    const task = await send('/ask Which river?');
    const { page } = await openSignedIn(`/ui/tasks/${task.id}`, { width: 900 });
    await page.getByLabel('The agent waits for your answer').fill('the long one');
    const { held, release } = hold();
    const bodies: string[] = [];
    await page.route('**/api/v1/tasks/*/messages', async (route) => {
      bodies.push(route.request().postData() ?? '');
      await held;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    await page.getByRole('button', { name: 'Sending' }).waitFor();
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.getByRole('region', { name: 'Timeline' }).waitFor();
    await page.getByRole('tab', { name: 'Conversation' }).click();
    await submitTwice(page, 'form:has(#answer)');
    release();
    await page.getByRole('log').getByText('completed').waitFor();
    expect(bodies).toHaveLength(1);
  });

  it('[U3][I2] a form pressed twice makes one key; its secret is shown to who has gone to another page', async () => {
    const { page } = await openSignedIn('/ui/keys');
    await page.getByRole('heading', { name: 'No keys yet' }).waitFor();
    await page.keyboard.press('a');
    await page.getByLabel('Name').fill('made once');
    await submitTwice(page, '[role=dialog] form');
    await page.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('cell', { name: /made once active/ }).waitFor();
    expect(((await manage('/api/v1/keys')) as { keys: unknown[] }).keys).toHaveLength(1);

    const { held, release } = hold();
    await page.route('**/api/v1/keys/*/rotate', async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Actions for made once' }).click();
    await page.getByRole('menuitem', { name: 'Rotate' }).click();
    await page.getByRole('button', { name: 'Rotate the key' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.getByRole('heading', { name: 'Echo' }).waitFor();
    release();
    await page.getByRole('dialog', { name: 'The key of “made once”' }).locator('code').waitFor();
  });

  it('[U1] who has closed the send dialog is not led away, nor loses the next message, when the answer comes', async () => {
    const { page } = await openSignedIn('/ui/agents');
    const { held, release } = hold();
    await page.route('**/api/v1/tasks', async (route) => {
      await held;
      await route.continue();
    });
    const text = page.getByLabel('Text', { exact: true });
    await page.getByRole('heading', { name: 'Echo' }).waitFor();
    await page.keyboard.press('n');
    await text.fill('answered late');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Sending' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.keyboard.press('n');
    await text.fill('the next message');
    release();
    await page.getByText('Sent', { exact: true }).waitFor();
    expect(await text.inputValue()).toBe('the next message');
    expect(new URL(page.url()).pathname).toBe('/ui/agents');
  });

  it('[U1][I12] two tabs are of one session: who signs in anew in one is who is seen in the other', async () => {
    await send('only the admin sees it');
    const { key } = (await manage('/api/v1/keys', { name: 'a narrow key' })) as { key: string };
    const view = await open({ expected: /401/ });
    await view.signIn(server().adminKey, '/ui/tasks');
    const { page } = view;
    await page.getByText('only the admin sees it').waitFor();
    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.getByRole('heading', { name: 'Echo' }).waitFor();
    const second = await page.context().newPage();
    await second.goto(`${server().url}/ui/agents`);
    await second.getByRole('button', { name: 'Signed in as admin' }).click();
    await second.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Parley' }).waitFor();
    await second.getByLabel('Key', { exact: true }).fill(key);
    await second.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Signed in as a narrow key' }).waitFor();
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    await page.getByRole('heading', { name: 'No tasks yet' }).waitFor();
    expect(await page.getByText('only the admin sees it').count()).toBe(0);
  });

  it('[U1] what the server cannot do is said, also where a view has something to show', async () => {
    const { page } = await openSignedIn('/ui/agents/echo', { expected: /500/ });
    const broken = { status: 500, json: { error: { message: 'the disk is full' } } };
    await page.getByRole('button', { name: 'Capture the next 10 minutes' }).click();
    await page.getByRole('button', { name: 'Stop capturing' }).click();
    await page.getByRole('button', { name: 'Forget' }).waitFor();
    await page.route('**/api/v1/captures/*', (route) => route.fulfill(broken));
    await page.getByRole('button', { name: 'Forget' }).click();
    await page.getByText('Forgetting failed', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
    await page.route('**/api/v1/keys?*', (route) => route.fulfill(broken));
    const notice = page.getByText('Bringing this page up to date failed', { exact: true });
    await expect.poll(() => notice.count()).toBe(1);
    // Once, however often it fails: what was closed stays closed.
    await page.getByRole('button', { name: 'Close', exact: true }).last().click();
    await expect.poll(() => notice.count()).toBe(0);
    for (let time = 0; time < 2; time++) {
      const failed = page.waitForResponse((response) => response.url().includes('/api/v1/keys?'));
      await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))");
      await failed;
    }
    expect(await notice.count()).toBe(0);
  });

  it('[U3] a second key is disabled while the first is about to be', async () => {
    await manage('/api/v1/keys', { name: 'the slow one' });
    await manage('/api/v1/keys', { name: 'the quick one' });
    const { page } = await openSignedIn('/ui/keys');
    const { held, release } = hold();
    let isFirst = true;
    await page.route('**/api/v1/keys/*', async (route) => {
      const mustWait = isFirst;
      isFirst = false;
      if (mustWait) await held;
      await route.continue();
    });
    const disable = async (name: string): Promise<void> => {
      await page.getByRole('button', { name: `Actions for ${name}` }).click();
      await page.getByRole('menuitem', { name: 'Disable' }).click();
    };
    await disable('the slow one');
    await disable('the quick one');
    await page.getByRole('cell', { name: 'the quick one disabled' }).waitFor();
    expect(await page.getByRole('cell', { name: 'the slow one active' }).count()).toBe(1);
    release();
    await page.getByRole('cell', { name: 'the slow one disabled' }).waitFor();
  });

  it('[U3][I12] a new secret is shown to nobody who signs in after the one who asked for it', async () => {
    const { page } = await openSignedIn('/ui/keys', { expected: /401/ });
    const { held, release } = hold();
    await page.route('**/api/v1/keys', async (route) => {
      const response = await route.fetch();
      await held;
      await route.fulfill({ response });
    });
    await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
    await page.keyboard.press('a');
    await page.getByLabel('Name').fill('asked for by another');
    await page.getByRole('button', { name: 'Create the key' }).click();
    const second = await page.context().newPage();
    await second.goto(`${server().url}/ui/agents`);
    await second.getByRole('button', { name: 'Signed in as admin' }).click();
    await second.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByLabel('Key', { exact: true }).fill(server().adminKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
    // The list is read again when the answer has been looked at.
    const again = page.waitForResponse((response) => response.url().includes('/api/v1/keys?'));
    release();
    await again;
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});
