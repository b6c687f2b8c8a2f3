/** No child of a test outlives it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { guardScript } from './child-guard.ts';
import { waitFor } from './wait-for.ts';

/** Whether the process still runs. One that has ended and that nobody has asked about yet (a zombie) does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a child is killed when its parent is killed with SIGKILL', async () => {
  // A process that starts a child under guard and tells its pid: plain JavaScript, the guard's shell line as it is.
  const program = `
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    spawn('sh', ['-c', process.argv[1], 'guard', String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ['-e', program, guardScript], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await waitFor('the child to be gone', 20_000, () => !isAlive(pid));
});
