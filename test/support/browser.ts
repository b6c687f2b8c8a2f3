/** A real browser for tests: Debian's Chromium. Whatever it complains of while a page is shown is a failure. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { skippedBecause } from './missing-service.ts';
import type { ParleyProcess } from './server.ts';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * Path of the browser: `PARLEY_TEST_CHROMIUM`, else where Debian puts it. Where there is none, `skipped` says why.
 * @throws Error instead of `skipped` when REQUIRE_SERVICES=1
 */
export function browserForTests(): { readonly path: string } | { readonly skipped: string } {
  const path = [process.env['PARLEY_TEST_CHROMIUM'] ?? '', ...PATHS].find((one) => one !== '' && existsSync(one));
  if (path !== undefined) return { path };
  const why = 'there is no Chromium (apt-get install chromium, or name one in PARLEY_TEST_CHROMIUM)';
  return { skipped: skippedBecause('TESTS IN A BROWSER', why) };
}

export function launchBrowser(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface ViewOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'dark' | 'light';
  /** What is expected to be complained of, such as a refused sign-in. */
  readonly expected?: RegExp;
}

/** A person's window on one server: it has its own cookies and storage. */
export class ConsoleView {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #url: string;
  readonly #problems: string[] = [];
  /** Addresses of all live connections that were made. */
  readonly liveConnections: string[] = [];

  private constructor(context: BrowserContext, page: Page, url: string, expected: RegExp | undefined) {
    this.#context = context;
    this.page = page;
    this.#url = url;
    const complain = (text: string) => {
      // An interface of the machine came or went: the browser breaks off what is under way, the page has to live with it.
      if (text.includes('ERR_NETWORK_CHANGED')) return;
      if (expected?.test(text) !== true) this.#problems.push(text);
    };
    // Violations of the policy and answers that a page did not want are among them.
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complain(`${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => complain(error.stack ?? error.message));
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      if (pathname === '/api/v1/live') this.liveConnections.push(search);
    });
  }

  static async open(browser: Browser, url: string, options: ViewOptions = {}): Promise<ConsoleView> {
    const { width = 1280, height = 800, theme = 'dark', expected } = options;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'UTC',
    });
    context.setDefaultTimeout(20_000);
    return new ConsoleView(context, await context.newPage(), url, expected);
  }

  /** Opens an address of the console. */
  async goto(path: string): Promise<void> {
    await this.page.goto(`${this.#url}${path}`);
  }

  /** Opens an address and signs in there, by the keyboard alone. */
  async signIn(key: string, path = '/ui/'): Promise<void> {
    await this.goto(path);
    const field = this.page.getByLabel('Key', { exact: true });
    await field.waitFor();
    await this.page.keyboard.type(key);
    await this.page.keyboard.press('Enter');
    await this.page.getByRole('navigation', { name: 'Places' }).waitFor();
  }

  /** Closes the window; throws what the browser complained of meanwhile. */
  async close(): Promise<void> {
    await this.#context.close();
    if (this.#problems.length > 0) throw new Error(`The browser complained:\n${this.#problems.join('\n')}`);
  }
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeViolation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe finds wrong with the page as it is, one line each; empty: nothing. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Evaluated by the debugger: the page's policy does not apply, and holds for the page all the same.
  await page.evaluate(`window.axe === undefined && (() => {${axeSource}})()`);
  const violations: AxeViolation[] = await page.evaluate(
    `window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  );
  // An open menu belongs to its button; it is no region of the page.
  const isMenu = (id: string, html: string) => id === 'region' && html.includes('data-radix-popper');
  return violations.flatMap(({ id, help, nodes }) =>
    nodes
      .filter(({ html }) => !isMenu(id, html))
      .map(({ html, failureSummary = '' }) => `${id}: ${help}\n  ${html.slice(0, 300)}\n  ${failureSummary}`),
  );
}

export interface SentTask {
  readonly id: string;
  readonly contextId: string;
}

/** Sends a message over A2A, as any client does, and answers the task at once. */
export async function sendOverA2a(
  parley: Pick<ParleyProcess, 'url' | 'adminKey'>,
  text: string,
  contextId?: string,
): Promise<SentTask> {
  const response = await fetch(`${parley.url}/a2a/message:send`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${parley.adminKey}`,
      'a2a-version': '1.0',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      message: {
        messageId: crypto.randomUUID(),
        role: 'ROLE_USER',
        parts: [{ text }],
        ...(contextId !== undefined && { contextId }),
      },
      configuration: { returnImmediately: true },
    }),
  });
  const { task } = (await response.json()) as { task: SentTask };
  return task;
}

export async function cancelOverA2a(parley: ParleyProcess, taskId: string): Promise<void> {
  const headers = { authorization: `Bearer ${parley.adminKey}`, 'a2a-version': '1.0' };
  const response = await fetch(`${parley.url}/a2a/tasks/${taskId}:cancel`, { method: 'POST', headers });
  if (!response.ok) throw new Error(`not canceled: ${response.status} ${await response.text()}`);
}
