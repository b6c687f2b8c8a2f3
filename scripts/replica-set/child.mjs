// @ts-check
/** A child process with an end that can be waited for: what the servers of a replica set have in common. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { guardChild } from './child-guard.mjs';

/**
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 *
 * @typedef {object} ChildOptions
 * @property {string} name for errors
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} logFile gets standard output and standard error, after what is there already
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {{ readonly uid: number, readonly gid: number }} [user]
 * @property {boolean} [hasChannel] `send` then reaches the process (process.on('message'))
 */

export class Child {
  /** @type {ChildOptions} */
  #options;
  /** @type {ChildProcess} */
  #process;
  /** @type {Promise<void>} */
  #ended;

  /** Starts it. @param {ChildOptions} options */
  constructor(options) {
    this.#options = options;
    const log = openSync(options.logFile, 'a', 0o600);
    this.#process = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      ...options.user,
      // A group of its own: Ctrl-C is for the one who started it, and stops this one in its turn.
      detached: true,
      stdio: ['ignore', log, log, ...(options.hasChannel ? /** @type {const} */ (['ipc']) : [])],
    });
    closeSync(log);
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
    guardChild(this.#process);
  }

  get pid() {
    return this.#process.pid;
  }

  /** Resolves when the process is gone. */
  get ended() {
    return this.#ended;
  }

  get hasEnded() {
    return this.pid === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    if (!this.hasEnded) this.#process.kill(signal);
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal) {
    this.signal(signal);
    await this.#ended;
  }

  /** Nothing, where it has ended or has no channel. @param {object} message */
  send(message) {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /**
   * @param {() => Promise<boolean>} isReady
   * @param {number} timeoutMs
   * @throws Error with the end of its log, when it ends or is not ready in time
   */
  async untilReady(isReady, timeoutMs) {
    const { name, logFile } = this.#options;
    const deadline = performance.now() + timeoutMs;
    while (!(await isReady())) {
      if (!this.hasEnded && performance.now() < deadline) {
        await delay(20);
        continue;
      }
      const why = this.hasEnded ? 'ended at its start' : `was not ready after ${timeoutMs / 1000} s`;
      const log = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
      throw new Error(`${name} ${why}. The end of ${logFile}:\n${log}`);
    }
  }
}

/** Whether something listens there. @param {number} port @returns {Promise<boolean>} */
export function accepts(port) {
  return new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1');
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

/** Whether a GET is answered with 200 within two seconds. @param {string} url @returns {Promise<boolean>} */
export function answersOk(url) {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 2000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}
