// Child processes: free ports, start, stop, readiness, and the load generator as a process of its own.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The bench folder. */
export const ROOT = path.dirname(import.meta.dirname);
/** Logs, databases and raw results of this machine; not committed. */
export const STATE = process.env.BENCH_STATE ?? path.join(ROOT, '.state');

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Starts `{ cmd, args, env?, cwd?, bareEnv? }` with its output in STATE/<name>.log. With `bareEnv` only PATH, HOME, TMPDIR
 * and the time zone are inherited, so that settings of the shell cannot change what is measured.
 */
export function startChild(spec, name) {
  const log = fs.openSync(path.join(STATE, `${name}.log`), 'a');
  const { PATH, HOME, TMPDIR, TZ } = process.env;
  const child = spawn(spec.cmd, spec.args, {
    cwd: spec.cwd ?? ROOT,
    env: { ...(spec.bareEnv ? { PATH, HOME, TMPDIR, TZ } : process.env), ...spec.env },
    stdio: ['ignore', log, log],
  });
  fs.closeSync(log); // the child has its own copy
  child.once('error', (error) => process.stderr.write(`${name}: ${error.message}\n`));
  return child;
}

const hasEnded = (child) => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

/** Stops a child by a signal, after 6 s by SIGKILL. Does nothing when it is gone. */
export async function stopChild(child, signal = 'SIGTERM') {
  if (!child || hasEnded(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 6000);
  await gone;
  clearTimeout(timer);
}

/** Polls a URL every 3 ms until it answers 200. Fails after 30 s, or at once when the child has ended. */
export async function waitFor200(url, child, timeoutMs = 30_000) {
  const start = performance.now();
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // not up yet
    }
    if (child && hasEnded(child)) throw new Error(`the server ended before ${url} answered; see its log in .state`);
    if (performance.now() - start > timeoutMs) throw new Error(`no 200 from ${url} within ${timeoutMs} ms`);
    await sleep(3);
  }
}

/** Runs `node load.mjs …` and returns its JSON report. */
export function runLoad(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, 'load.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) {
        reject(new Error(`load ${args[0]} exited ${code}: ${out.slice(0, 500)}`));
        return;
      }
      try {
        resolve(JSON.parse(out));
      } catch (cause) {
        reject(new Error(`load ${args[0]} printed no JSON: ${out.slice(0, 500)}`, { cause }));
      }
    });
  });
}
