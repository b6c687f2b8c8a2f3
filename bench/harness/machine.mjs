// Describes the machine for a report: processor, memory, kernel, versions, file system and how long fdatasync takes there.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT, STATE } from './children.mjs';
import { postgresVersion } from './postgres.mjs';
import { quantile, round } from './stats.mjs';

const WRITES = 300;
const BLOCK = Buffer.alloc(4096, 1);

/** Milliseconds of appending 4 KiB and fdatasync, in that folder. */
function measureFdatasync(folder) {
  const file = path.join(folder, `fdatasync-${process.pid}`);
  const fd = fs.openSync(file, 'w');
  const times = [];
  try {
    for (let i = 0; i < WRITES; i++) {
      const start = performance.now();
      fs.writeSync(fd, BLOCK);
      fs.fdatasyncSync(fd);
      times.push(performance.now() - start);
    }
  } finally {
    fs.closeSync(fd);
    fs.rmSync(file, { force: true });
  }
  return { p50: round(quantile(times, 0.5), 3), p99: round(quantile(times, 0.99), 3) };
}

/** The type of the file system that holds the folder, from the longest mount point that is a prefix of its path. */
function fileSystemOf(folder) {
  const real = fs.realpathSync(folder);
  let best = { point: '', type: 'unknown' };
  for (const line of fs.readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [, point = '', type] = line.split(' ');
    const isPrefix = point === '/' || real === point || real.startsWith(`${point}/`);
    if (type && isPrefix && point.length >= best.point.length) best = { point, type };
  }
  return best.type;
}

function describeFolder(folder) {
  const { p50, p99 } = measureFdatasync(folder);
  return `${fileSystemOf(folder)}, fdatasync after 4 KiB p50 ${p50} ms, p99 ${p99} ms`;
}

function gitVersion() {
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const isDirty = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return git('rev-parse', '--short=12', 'HEAD').trim() + (isDirty ? ' with uncommitted changes' : '');
  } catch {
    return 'unknown';
  }
}

/** Name and value pairs; nothing in them names the host, a user or a path. */
export function describeMachine() {
  const cpus = os.cpus();
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const peers = ['@a2a-js/sdk', 'better-sqlite3', 'kysely', 'pg', 'express', '@photostructure/sqlite', 'undici'];
  return [
    ['Processor', `${cpus[0]?.model.trim() ?? 'unknown'}, ${cpus.length} logical cores`],
    ['Memory', `${round(os.totalmem() / 2 ** 30, 1)} GiB`],
    ['Kernel', `${os.type()} ${os.release()} ${os.arch()}`],
    ['Node', process.version],
    ['PostgreSQL', `${postgresVersion() ?? 'not found'}, default settings, fsync and synchronous_commit on`],
    ['SQLite files', describeFolder(STATE)],
    ['PostgreSQL files', describeFolder(os.tmpdir())],
    ['Parley', gitVersion()],
    ['Peers', peers.map((name) => `${name} ${dependencies[name]}`).join(', ')],
    [
      'Load before the run',
      os
        .loadavg()
        .map((v) => v.toFixed(2))
        .join(' '),
    ],
  ];
}
