// @ts-check
/** `npm run check`: every static check, each also alone as `npm run check:NAME`. Runs all, then says which failed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** @type {{ scripts: Record<string, string> }} */
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const checks = Object.keys(manifest.scripts).filter((name) => name.startsWith('check:'));
const failed = checks.filter((name) => {
  console.log(`\n== ${name}`);
  return spawnSync('npm', ['run', '--silent', name], { stdio: 'inherit' }).status !== 0;
});
console.log(`\n${checks.length - failed.length} of ${checks.length} checks passed`);
if (failed.length > 0) {
  console.error(`Failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
