// @ts-check
/** A real HAProxy in front of several replicas: asks each whether it is ready, and leaves streams alone. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { accepts } from './child.mjs';
import { guardChild } from './child-guard.mjs';

const START_TIMEOUT_MS = 10_000;

/**
 * @typedef {object} Backend
 * @property {string} name a word; what `states()` calls it
 * @property {number} port of its API, on 127.0.0.1
 * @property {number} [grpcPort]
 *
 * @typedef {object} HaproxyOptions
 * @property {string} binary
 * @property {number} port of 127.0.0.1 that it listens on
 * @property {number} [grpcPort] that it listens on for gRPC; every backend then needs one
 * @property {readonly Backend[]} backends those that do not run (yet) are left out until their check succeeds
 * @property {number} [checkEveryMs] default 200
 * @property {number} [checkTimeoutMs] a check that takes longer has failed; default 1000
 *
 * @typedef {object} Haproxy
 * @property {string} url `http://127.0.0.1:PORT`
 * @property {number | undefined} pid
 * @property {() => Promise<Readonly<Record<string, string>>>} states what it thinks of each backend: `UP`, `DOWN`, ...
 * @property {() => string} output what it printed, the changes of its backends among it
 * @property {() => Promise<void>} stop at once, with what is open; may be called twice
 */

/**
 * The text of its configuration. `/readyz` decides who gets requests. A request is sent again only when no connection came
 * about, for nothing has happened then. One whose answer breaks off is not: its client knows whether it may be repeated.
 * @param {HaproxyOptions} options
 * @param {string} socket of its statistics
 */
export function haproxyConfig({ port, grpcPort, backends, checkEveryMs = 200, checkTimeoutMs = 1000 }, socket) {
  const check = `inter ${checkEveryMs}ms fastinter ${checkEveryMs}ms downinter ${checkEveryMs}ms rise 1 fall 2`;
  const lines = [
    'global',
    '  maxconn 4000',
    `  stats socket ${socket} mode 600 level admin`,
    'defaults',
    '  mode http',
    '  timeout connect 1s',
    `  timeout check ${checkTimeoutMs}ms`,
    '  timeout http-request 10s',
    '  timeout http-keep-alive 60s',
    // Parley sends a comment on silent streams, and blocking sends may take as long as their task.
    '  timeout client 1h',
    '  timeout server 1h',
    '  option redispatch 1',
    '  retries 3',
    '  retry-on conn-failure',
    '  option http-no-delay',
    '  option forwardfor',
    '  option httpchk',
    // Parley answers only to names that it knows.
    '  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost hdr Connection close',
    '  http-check expect status 200',
    'frontend api',
    `  bind 127.0.0.1:${port}`,
    '  default_backend replicas',
    'backend replicas',
    '  balance roundrobin',
    ...backends.map((backend) => `  server ${backend.name} 127.0.0.1:${backend.port} check ${check}`),
  ];
  if (grpcPort !== undefined) {
    lines.push('frontend grpc', `  bind 127.0.0.1:${grpcPort} proto h2`, '  default_backend grpc-replicas');
    lines.push('backend grpc-replicas', '  balance roundrobin');
    for (const { name, port: checked, grpcPort: served } of backends) {
      lines.push(`  server ${name} 127.0.0.1:${served} proto h2 check check-proto h1 port ${checked} ${check}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Starts it and waits until it listens.
 * @param {HaproxyOptions} options
 * @returns {Promise<Haproxy>}
 * @throws Error with what it printed, when it does not
 */
export async function startHaproxy(options) {
  // Short: the path of a socket has room for a hundred characters.
  const dir = mkdtempSync(join(tmpdir(), 'parley-haproxy-'));
  const socket = join(dir, 'stats');
  const file = join(dir, 'haproxy.cfg');
  writeFileSync(file, haproxyConfig(options, socket));
  // -db: in the foreground, so that it is this process that is to be ended.
  const child = spawn(options.binary, ['-db', '-f', file], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  guardChild(child);
  let output = '';
  /** @param {string} chunk */
  const collect = (chunk) => {
    output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => child.once('close', () => resolve()));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    if (!hasEnded()) child.kill('SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await accepts(options.port))) {
    if (hasEnded() || performance.now() > deadline) {
      await stop();
      throw new Error(`HAProxy did not start: ${output}`);
    }
    await delay(20);
  }
  return {
    url: `http://127.0.0.1:${options.port}`,
    pid: child.pid,
    states: async () => statesIn(await askSocket(socket, 'show stat -1 4 -1')),
    output: () => output,
    stop,
  };
}

/** @param {string} path @param {string} command @returns {Promise<string>} */
function askSocket(path, command) {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path, () => socket.write(`${command}\n`));
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('end', () => resolve(answer));
    socket.once('error', reject);
  });
}

/**
 * The states of the servers of the backend `replicas` in its table of statistics, a CSV whose first line names the columns.
 * @param {string} csv
 */
function statesIn(csv) {
  const [head = '', ...rows] = csv.split('\n');
  const columns = head.replace(/^# /, '').split(',');
  const [backend, server, status] = ['pxname', 'svname', 'status'].map((name) => columns.indexOf(name));
  const cells = rows.map((row) => row.split(',')).filter((row) => row[backend ?? -1] === 'replicas');
  return Object.fromEntries(cells.map((row) => [row[server ?? -1], row[status ?? -1]]));
}
