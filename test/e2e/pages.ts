/** The suite over every page: no violation that axe finds, nothing wider than the window. A file for each theme runs it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { axeViolations, type ConsoleView } from '../support/browser.ts';
import { hasNoBrowser, useConsole } from './setup.ts';

/** A look has some twenty pages. */
const LOOK_LIMIT_MS = 300_000;

/** `PARLEY_SCREENSHOTS=docs/images npm run test:e2e` makes the pictures of the README anew. */
const pictures = process.env['PARLEY_SCREENSHOTS'];

/** The pictures that the documents show. */
const PICTURED: ReadonlySet<string> = new Set(['overview', 'tasks', 'task', 'timeline', 'agent', 'send']);

/** A tenth of the size: the browser's own encoder. */
async function asWebp(page: Page, png: Buffer): Promise<Buffer> {
  const blank = await page.context().newPage();
  const encoded = await blank.evaluate<string>(`(async () => {
    const image = new Image();
    image.src = 'data:image/png;base64,${png.toString('base64')}';
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext('2d').drawImage(image, 0, 0);
    const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.9 });
    return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''));
  })()`);
  await blank.close();
  return Buffer.from(encoded, 'base64');
}

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly theme: 'dark' | 'light';
}

interface Scene {
  readonly name: string;
  readonly path: string;
  /** Is there when the page is. */
  readonly seen: (page: Page) => Promise<void>;
}

export function describePages(looks: readonly Look[]): void {
  describe.skipIf(hasNoBrowser)('every page', () => {
    const { open, openSignedIn, send, server } = useConsole();
    const ids: Record<'done' | 'waiting', string> = { done: '', waiting: '' };

    const heading = (name: string | RegExp) => (page: Page) => page.getByRole('heading', { name }).first().waitFor();
    const scenes = (): readonly Scene[] => [
      { name: 'overview', path: '/ui/', seen: (page) => page.getByRole('img', { name: /^Requests/ }).waitFor() },
      { name: 'tasks', path: '/ui/tasks', seen: (page) => page.locator('[data-task]').first().waitFor() },
      { name: 'tasks-none', path: '/ui/tasks?q=nothing-like-this', seen: heading('No task fits') },
      {
        name: 'task',
        path: `/ui/tasks/${ids.done}`,
        seen: (page) => page.getByRole('log').getByText('completed').waitFor(),
      },
      {
        name: 'task-waiting',
        path: `/ui/tasks/${ids.waiting}`,
        seen: (page) => page.getByLabel('The agent waits for your answer').waitFor(),
      },
      {
        name: 'timeline',
        path: `/ui/tasks/${ids.done}?tab=timeline&seq=3`,
        seen: (page) => page.getByText('"artifactId"').first().waitFor(),
      },
      {
        name: 'artifacts',
        path: `/ui/tasks/${ids.done}?tab=artifacts`,
        seen: (page) => page.getByRole('button', { name: 'Save', exact: true }).waitFor(),
      },
      {
        name: 'frames',
        path: `/ui/tasks/${ids.done}?tab=frames`,
        seen: (page) => page.getByText('HTTP/1.1 200 OK').first().waitFor(),
      },
      {
        name: 'frames-captured',
        path: `/ui/tasks/${ids.waiting}?tab=frames`,
        seen: (page) => page.getByText('As they went over the wire').waitFor(),
      },
      {
        name: 'task-deliveries',
        path: `/ui/tasks/${ids.waiting}?tab=deliveries`,
        seen: (page) => page.getByText('https://receiver.example/hook').waitFor(),
      },
      {
        name: 'related',
        path: `/ui/tasks/${ids.done}?tab=related`,
        seen: (page) => page.getByText('Tasks of the context').waitFor(),
      },
      { name: 'raw', path: `/ui/tasks/${ids.done}?tab=raw`, seen: heading('Task, A2A 1.0') },
      { name: 'task-none', path: '/ui/tasks/no-such-task', seen: (page) => page.getByRole('alert').waitFor() },
      { name: 'agents', path: '/ui/agents', seen: heading('Echo') },
      { name: 'agent', path: '/ui/agents/echo', seen: heading('Checks of the card') },
      { name: 'deliveries', path: '/ui/deliveries', seen: heading('Nothing waits') },
      {
        name: 'keys',
        path: '/ui/keys',
        seen: (page) => page.getByRole('cell', { name: 'a client of ours active' }).waitFor(),
      },
      { name: 'health', path: '/ui/settings', seen: heading('Database') },
      {
        name: 'configuration',
        path: '/ui/settings?tab=configuration',
        seen: (page) => page.getByText('env PORT').waitFor(),
      },
      { name: 'sessions', path: '/ui/settings?tab=sessions', seen: (page) => page.getByText('this one').waitFor() },
    ];

    /** @param body null: deletes what is there. */
    async function manage(path: string, body: object | null): Promise<{ readonly id: string }> {
      const answer = await fetch(`${server().url}${path}`, {
        method: body === null ? 'DELETE' : 'POST',
        headers: {
          authorization: `Bearer ${server().adminKey}`,
          ...(body === null ? {} : { 'content-type': 'application/json' }),
        },
        body: body === null ? null : JSON.stringify(body),
      });
      expect([path, answer.ok]).toEqual([path, true]);
      return body === null ? { id: '' } : ((await answer.json()) as { id: string });
    }

    async function judge(view: ConsoleView, name: string, look: Look): Promise<string[]> {
      const { page } = view;
      const where = `${name}, ${look.width} px, ${look.theme}`;
      const found = await axeViolations(page);
      const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      if (pictures !== undefined && look.height === 800 && PICTURED.has(name)) {
        mkdirSync(pictures, { recursive: true });
        writeFileSync(join(pictures, `${name}-${look.theme}.webp`), await asWebp(page, await page.screenshot()));
      }
      return [
        ...found.map((text) => `${where}: ${text}`),
        ...(tooWide > 0 ? [`${where}: ${tooWide} px wider than the window`] : []),
      ];
    }

    it('has something to show', async () => {
      const first = await send(
        'What is the weather like in **Oslo**?\n\n| hour | max |\n|---|---|\n| 12 | 14 |\n\n```\ncode\n```\n\n[more](https://example.org)',
      );
      ids.done = first.id;
      const capture = await manage('/api/v1/captures', { agentId: 'echo', minutes: 10 });
      ids.waiting = (await send('/ask Which account should the refund go to?', first.contextId)).id;
      await manage(`/api/v1/captures/${capture.id}`, null);
      const receiver = { url: 'https://receiver.example/hook', authentication: { scheme: 'Bearer', credentials: 'x' } };
      await manage(`/api/v1/tasks/${ids.waiting}/push-configs`, receiver);
      for (const text of ['/fail upstream answered 502 after 4.98 s', '/reject', '/sleep 600000', '/file forecast.txt'])
        await send(text);
      for (let number = 1; number <= 20; number++) await send(`summarise the report of week ${number}`);
      const canceled = await send('/sleep 500000');
      await fetch(`${server().url}/a2a/tasks/${canceled.id}:cancel`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server().adminKey}`, 'a2a-version': '1.0' },
      });
      const key = await manage('/api/v1/keys', { name: 'a client of ours', expiresAt: '2100-01-01T00:00:00Z' });
      expect([ids.done, ids.waiting, key.id]).not.toContain('');
    });

    it.each(looks)(
      '[U3] $width px, $theme: axe finds nothing, nothing is cut off',
      async (look) => {
        const view = await openSignedIn('/ui/', { ...look, expected: /404/ });
        const problems: string[] = [];
        for (const { name, path, seen } of scenes()) {
          await view.goto(path);
          await seen(view.page);
          problems.push(...(await judge(view, name, look)));
        }
        await view.goto('/ui/tasks');
        await view.page.locator('[data-task]').first().waitFor();
        await view.page.keyboard.press('n');
        await view.page.getByLabel('Text', { exact: true }).waitFor();
        problems.push(...(await judge(view, 'send', look)));
        await view.page.keyboard.press('Escape');
        await view.page.getByRole('dialog').waitFor({ state: 'hidden' });
        await view.page.keyboard.press('Control+k');
        await view.page.locator('[role=dialog] input:focus').waitFor();
        problems.push(...(await judge(view, 'palette', look)));
        await view.page.keyboard.press('Escape');
        await view.page.getByRole('button', { name: 'State' }).click();
        await view.page.getByRole('menuitemcheckbox', { name: 'failed' }).waitFor();
        problems.push(...(await judge(view, 'filter', look)));
        const stranger = await open(look);
        await stranger.goto('/ui/');
        await stranger.page.getByLabel('Key', { exact: true }).waitFor();
        problems.push(...(await judge(stranger, 'sign-in', look)));
        expect(problems).toEqual([]);
      },
      LOOK_LIMIT_MS,
    );
  });
}
