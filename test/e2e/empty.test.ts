/** What a new user sees first: no tasks, and how to make one, all of it within the window. */
import { describe, expect, it } from 'vitest';
import { hasNoBrowser, useConsole } from './setup.ts';

describe.skipIf(hasNoBrowser)('a list without tasks', () => {
  const { openSignedIn } = useConsole();

  it.each([360, 1280, 1920])('[U1] shows the command that would fill it whole at %i px', async (width) => {
    const { page } = await openSignedIn('/ui/tasks', { width });
    const copy = page.getByRole('button', { name: /^Copy/ }).last();
    await page.getByRole('heading', { name: 'No tasks yet' }).waitFor();
    const box = await copy.boundingBox();
    expect(box).not.toBeNull();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
  });
});
