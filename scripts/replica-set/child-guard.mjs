// @ts-check
/** Child processes must not outlive whoever started them, not even when that one is killed. */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/** Reads until the end of its standard input, then kills the process named by its first argument. */
export const guardScript = 'read -r _; kill -9 "$1" 2>/dev/null';

/**
 * Kills `child` (SIGKILL) when this process ends in whatever way: a tiny shell waits for the end of its standard
 * input, which the kernel closes with us. The shell goes when the child has ended, so that no reused pid is hit.
 * @param {import('node:child_process').ChildProcess} child
 */
export function guardChild(child) {
  if (child.pid === undefined) return;
  const guard = spawn('sh', ['-c', guardScript, 'guard', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  // Without it the open pipe would keep this process from ending by itself.
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  guard.stdin?.on('error', () => undefined);
  child.once('exit', () => guard.kill('SIGKILL'));
}
