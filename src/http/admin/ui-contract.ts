/**
 * How the built console is handed over. `web/dist` holds `index.html`, hashed files below `assets/` (each may have
 * precompressed twins `.br` and `.gz`: `node scripts/precompress.mjs web/dist` makes them), and `routes.json`: the patterns of the console's pages, such as `/ui/tasks/:id`.
 * A path that fits one of them gets `index.html` with 200; any other path below `/ui` gets it with 404, so that the
 * console shows its page for what is not there. `/` sends browsers to `/ui/` as soon as there is a console.
 */
import { z } from 'zod';

export const uiRoutesSchema = z.array(
  z.string().regex(/^\/ui(\/(:[a-zA-Z]+|[a-z0-9-]+))*\/?$/, 'must be a path below /ui, with :name for a segment'),
);
export type UiRoutes = z.output<typeof uiRoutesSchema>;
