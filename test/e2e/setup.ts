/** What each file of end-to-end tests begins with: a browser, and a server with a little of everything in it. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { browserForTests, ConsoleView, launchBrowser, sendOverA2a, type ViewOptions } from '../support/browser.ts';
import { type ParleyProcess, type StartOptions, startParley } from '../support/server.ts';

const found = browserForTests();
/** For `describe.skipIf`. */
export const hasNoBrowser = 'skipped' in found;

/** Views that a test opens are closed after it, and what the browser complained of fails it. */
export function useConsole(options: StartOptions = {}) {
  let browser: Browser | undefined;
  let parley: ParleyProcess | undefined;
  const views: ConsoleView[] = [];

  beforeAll(async () => {
    if ('skipped' in found) return;
    [parley, browser] = await Promise.all([startParley(options), launchBrowser(found.path)]);
  });
  afterEach(async () => {
    for (const view of views.splice(0)) await view.close();
  });
  afterAll(() => browser?.close());

  const server = (): ParleyProcess => {
    if (parley === undefined) throw new Error('There is no server');
    return parley;
  };
  const open = async (look?: ViewOptions): Promise<ConsoleView> => {
    if (browser === undefined) throw new Error('There is no browser');
    const view = await ConsoleView.open(browser, server().url, look);
    views.push(view);
    return view;
  };
  return {
    server,
    open,
    /** Signed in as the admin, at `path`. */
    openSignedIn: async (path: string, look?: ViewOptions): Promise<ConsoleView> => {
      const view = await open(look);
      await view.signIn(server().adminKey, path);
      return view;
    },
    send: (text: string, contextId?: string) => sendOverA2a(server(), text, contextId),
  };
}
