/** What a browser has to fetch before a page of the console is there stays within its budget. */
import { expect, test } from 'vitest';
import { firstLoad } from '../scripts/build-web.mjs';

const MAX_SCRIPT_BYTES = 250_000;

/** A task is shown within the page of the tasks. */
const pages = [['overview'], ['tasks'], ['tasks', 'task'], ['agents'], ['deliveries'], ['keys'], ['settings']];

test('[U1] no page needs more than 250 kB of script, as it goes over the wire', () => {
  const sizes = pages.map((routes) => {
    const modules = routes.map((route) => `src/pages/${route}/page.tsx`);
    return [routes.join('/'), firstLoad(...modules).gzipBytes] as const;
  });
  console.info(sizes.map(([route, bytes]) => `${route} ${Math.round(bytes / 1000)} kB`).join(', '));
  expect(sizes.filter(([, bytes]) => bytes > MAX_SCRIPT_BYTES)).toEqual([]);
  // A budget that nothing counts against would always be kept.
  expect(Math.min(...sizes.map(([, bytes]) => bytes))).toBeGreaterThan(50_000);
});
