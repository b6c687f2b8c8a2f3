// @ts-check
/** One Parley of several on the same database: a process with ports, a directory and a log of its own. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answersOk, Child } from './child.mjs';

/**
 * @typedef {object} ReplicaPorts
 * @property {number} port
 * @property {number} metricsPort
 * @property {number} grpcPort
 *
 * @typedef {object} ReplicaOptions
 * @property {string} name
 * @property {string} dir of its own
 * @property {readonly string[]} program what Node.js runs, with its arguments
 * @property {ReplicaPorts} ports
 * @property {Readonly<Record<string, string>>} env over what follows from the rest; nothing is inherited but PATH
 * @property {boolean} [hasChannel]
 * @property {(replica: Replica) => void} [onCrash] it was ready, and has ended though nobody asked for it
 */

const START_TIMEOUT_MS = 60_000;

export class Replica {
  /** @type {ReplicaOptions} */
  #options;
  /** @type {Child | undefined} */
  #child;
  #isReady = false;

  /** @param {ReplicaOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get name() {
    return this.#options.name;
  }

  get ports() {
    return this.#options.ports;
  }

  get url() {
    return `http://127.0.0.1:${this.ports.port}`;
  }

  get logFile() {
    return join(this.#options.dir, 'parley.log');
  }

  get pid() {
    return this.#child?.pid;
  }

  get isRunning() {
    return this.#child !== undefined && !this.#child.hasEnded;
  }

  /** Starts the process, and does not wait for it to be ready. */
  spawn() {
    const { name, dir, program, ports, env, hasChannel, onCrash } = this.#options;
    mkdirSync(dir, { recursive: true });
    this.#child = new Child({
      name: `replica ${name}`,
      command: process.execPath,
      args: program,
      logFile: this.logFile,
      // Away from the checkout: neither its parley.yaml nor its .env is read.
      cwd: dir,
      env: {
        PATH: process.env['PATH'],
        HOME: dir,
        PARLEY_DATA_DIR: dir,
        HOST: '127.0.0.1',
        PORT: String(ports.port),
        METRICS_PORT: String(ports.metricsPort),
        GRPC_PORT: String(ports.grpcPort),
        LOG_FORMAT: 'json',
        ...env,
      },
      ...(hasChannel ? { hasChannel } : {}),
    });
    void this.#child.ended.then(() => {
      if (this.#isReady) onCrash?.(this);
    });
  }

  /** Resolves when `/readyz` answers 200. @throws Error with the end of its log, when it does not */
  async untilReady() {
    await this.#child?.untilReady(() => answersOk(`${this.url}/readyz`), START_TIMEOUT_MS);
    this.#isReady = true;
  }

  async start() {
    this.spawn();
    await this.untilReady();
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child?.signal(signal);
  }

  /** Resolves when the process is gone; may be called twice. @param {NodeJS.Signals} [signal] */
  async stop(signal = 'SIGTERM') {
    this.#isReady = false;
    await this.#child?.end(signal);
  }

  /** To the process's `process.on('message')`. @param {object} message */
  send(message) {
    this.#child?.send(message);
  }
}
