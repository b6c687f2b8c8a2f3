// Installs the peers into bench/node_modules when they are missing, so that the program's own install stays small.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './children.mjs';

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

function isInstalled(name, version) {
  try {
    return readJson(path.join(ROOT, 'node_modules', name, 'package.json')).version === version;
  } catch {
    return false;
  }
}

/** Runs `npm ci` in bench/ unless every dependency is there in the pinned version. */
export function installPeers() {
  const { dependencies } = readJson(path.join(ROOT, 'package.json'));
  const missing = Object.entries(dependencies).filter(([name, version]) => !isInstalled(name, version));
  if (missing.length === 0) return;
  process.stderr.write(
    `installing into bench/: ${missing.map(([name]) => name).join(', ')} (may compile for a minute)\n`,
  );
  // npm's output goes to stderr: stdout holds the tables only.
  const { status, error } = spawnSync('npm', ['ci'], { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('npm ci in bench/ failed; nothing was measured', { cause: error });
}
