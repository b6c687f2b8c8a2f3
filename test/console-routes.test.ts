/** The console and the server agree on which addresses are pages. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type UiRoutes, uiRoutesSchema } from '../src/http/admin/ui-contract.ts';

const web = join(import.meta.dirname, '..', 'web');

test('[U1] every page of the router is in web/public/routes.json, and no other', () => {
  const told: UiRoutes = uiRoutesSchema.parse(JSON.parse(readFileSync(join(web, 'public', 'routes.json'), 'utf8')));
  const source = readFileSync(join(web, 'src', 'router.tsx'), 'utf8');
  const paths = [...source.matchAll(/^ {2}path: '([^']+)'/gm)].map(([, path = '']) => path);
  // A path without a slash in front is below /tasks.
  const pages = paths.map((path) => (path.startsWith('/') ? `/ui${path}` : `/ui/tasks/${path}`).replace('$', ':'));
  expect(told.toSorted()).toEqual(['/ui', ...pages].toSorted());
});
