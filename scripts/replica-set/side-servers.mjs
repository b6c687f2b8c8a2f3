// @ts-check
/** NATS and Redis of their own, from the binaries that are installed. Neither keeps anything on the disk. */
import { join } from 'node:path';
import { accepts, Child } from './child.mjs';

const START_TIMEOUT_MS = 10_000;

/**
 * @typedef {object} SideServerOptions
 * @property {string} binary
 * @property {string} dir for its log
 * @property {number} port
 */

/** Starts, ends and starts again on the same port. */
export class SideServer {
  /** @type {string} */
  #name;
  /** @type {readonly string[]} */
  #args;
  /** @type {SideServerOptions} */
  #options;
  /** @type {Child | undefined} */
  #child;

  /** @param {string} name @param {readonly string[]} args @param {SideServerOptions} options */
  constructor(name, args, options) {
    this.#name = name;
    this.#args = args;
    this.#options = options;
  }

  get port() {
    return this.#options.port;
  }

  /** Resolves when it listens. @throws Error with its own output when it does not */
  async start() {
    const { binary, dir, port } = this.#options;
    this.#child = new Child({
      name: this.#name,
      command: binary,
      args: this.#args,
      logFile: join(dir, `${this.#name}.log`),
      cwd: dir,
    });
    await this.#child.untilReady(() => accepts(port), START_TIMEOUT_MS);
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child?.signal(signal);
  }

  /** May be called twice. @param {NodeJS.Signals} [signal] */
  async stop(signal = 'SIGTERM') {
    await this.#child?.end(signal);
  }
}

/** @param {SideServerOptions} options @param {readonly string[]} [more] arguments of `nats-server` */
export function natsServer(options, more = []) {
  return new SideServer('nats', ['--addr', '127.0.0.1', '--port', String(options.port), ...more], options);
}

/** @param {SideServerOptions} options */
export function redisServer(options) {
  const settings = ['--bind', '127.0.0.1', '--port', String(options.port), '--save', '', '--appendonly', 'no'];
  return new SideServer('redis', settings, options);
}
