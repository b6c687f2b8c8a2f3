// @ts-check
/** `npm run chaos`: replicas under load and faults for a while, and a judgement of what they kept of their promises. */
import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
// Below the root, so that packages are found.
const outDir = join(root, `.build-chaos-${process.pid}`);
const bundle = await rolldown({
  cwd: root,
  input: { main: join(root, 'test', 'chaos', 'main.ts') },
  platform: 'node',
  external: (id) => /^[@a-z][^:]*$/.test(id) || id.startsWith('node:'),
  plugins: [
    {
      // Scripts ask where they lie, so they stay where they are.
      name: 'scripts',
      resolveId: (source, importer) =>
        importer !== undefined && source.endsWith('.mjs')
          ? { id: pathToFileURL(resolve(dirname(importer), source)).href, external: true }
          : null,
    },
  ],
});
await bundle.write({ dir: outDir, format: 'esm', entryFileNames: '[name].js', sourcemap: true });
await bundle.close();
try {
  await import(pathToFileURL(join(outDir, 'main.js')).href);
} finally {
  rmSync(outDir, { recursive: true, force: true });
}
