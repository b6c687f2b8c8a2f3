/** Parley as its users run it: the compiled program in a process of its own, on free ports, with its own data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { guardChild } from './child-guard.ts';
import { freePorts } from './ports.ts';
import { programPath } from './program.ts';
import { waitFor } from './wait-for.ts';

export interface StartOptions {
  /** Over the defaults; `undefined` takes a default away. Nothing of the test's own environment but PATH gets through. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Text of a `parley.yaml`; PARLEY_CONFIG then points to it. */
  readonly config?: string;
  /** Default: SQLite in the data directory. */
  readonly databaseUrl?: string;
  /** Default: a key of its own for each server. */
  readonly adminKey?: string;
  /** After `serve`. */
  readonly args?: readonly string[];
  /** Milliseconds until /readyz must answer 200; default 20,000. */
  readonly readyTimeoutMs?: number;
}

export interface ExitStatus {
  /** Null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const SHARED_ENCRYPTION_KEY = 'Uo9cRkq0tYw3mVxB7nZ2sLhJ5gFd8eAaPpIiTtKkM1Q=';

const running = new Set<ParleyProcess>();

/** Kills every server that a test file left behind. setupFiles calls it after each file. */
export async function stopAllParleys(): Promise<void> {
  await Promise.all([...running].map((parley) => parley.destroy()));
}

/**
 * Starts a server and waits until it is ready.
 * @throws Error with everything that the server printed, when it ends or is not ready in time
 */
export async function startParley(options: StartOptions = {}): Promise<ParleyProcess> {
  const [port, metricsPort, streamPort, grpcPort] = await freePorts(4);
  if (!port || !metricsPort || !streamPort || !grpcPort) throw new Error('No free ports');
  const parley = new ParleyProcess(options, { port, metricsPort, streamPort, grpcPort });
  running.add(parley);
  await parley.start();
  return parley;
}

interface Ports {
  readonly port: number;
  readonly metricsPort: number;
  readonly streamPort: number;
  readonly grpcPort: number;
}

export class ParleyProcess {
  /** `http://127.0.0.1:PORT` of the API listener. */
  readonly url: string;
  /** The same of the ops listener (`/metrics`). */
  readonly metricsUrl: string;
  readonly ports: Ports;
  readonly adminKey: string;
  /** Removed by `destroy()`, which runs after the test file at the latest; kept by `stop()` and `kill9()`. */
  readonly dataDir: string;
  readonly #options: StartOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<ExitStatus> | undefined;
  #output = '';

  constructor(options: StartOptions, ports: Ports) {
    this.#options = options;
    this.ports = ports;
    this.url = `http://127.0.0.1:${ports.port}`;
    this.metricsUrl = `http://127.0.0.1:${ports.metricsPort}`;
    this.adminKey = options.adminKey ?? `test-admin-key-${ports.port}-${process.pid}-0123456789`;
    this.dataDir = mkdtempSync(join(tmpdir(), 'parley-test-'));
  }

  /** Standard output and standard error of all its lives, in the order of arrival. */
  get output(): string {
    return this.#output;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The environment that the process gets; nothing is inherited but PATH, so that no variable of the machine leaks in. */
  environment(): Record<string, string> {
    const { ports, dataDir } = this;
    const defaults: Record<string, string | undefined> = {
      PATH: process.env['PATH'],
      HOME: dataDir,
      HOST: '127.0.0.1',
      PORT: String(ports.port),
      METRICS_PORT: String(ports.metricsPort),
      STREAM_PORT: String(ports.streamPort),
      GRPC_PORT: String(ports.grpcPort),
      DATABASE_URL: this.#options.databaseUrl ?? `sqlite://${join(dataDir, 'parley.sqlite')}`,
      ADMIN_API_KEY: this.adminKey,
      // Replicas on one database need one key, and each has a data directory of its own here.
      ENCRYPTION_KEY: this.#options.databaseUrl === undefined ? undefined : SHARED_ENCRYPTION_KEY,
    };
    if (this.#options.config !== undefined) {
      const file = join(dataDir, 'parley.yaml');
      writeFileSync(file, this.#options.config);
      defaults['PARLEY_CONFIG'] = file;
    }
    const merged = Object.entries({ ...defaults, ...this.#options.env });
    return Object.fromEntries(merged.filter((pair): pair is [string, string] => pair[1] !== undefined));
  }

  /** Starts the program on this data and these ports. For the first start, use `startParley`. */
  async start(): Promise<void> {
    if (this.#child !== undefined && this.hasExited()) await this.#exit;
    else if (this.#child !== undefined) throw new Error('This server runs already');
    const child = spawn(process.execPath, [programPath(), 'serve', ...(this.#options.args ?? [])], {
      // Away from the checkout: neither its parley.yaml nor its .env may be read.
      cwd: this.dataDir,
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    guardChild(child);
    this.#child = child;
    const collect = (chunk: string): void => {
      this.#output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    // `close` comes after the last output, unlike `exit`.
    this.#exit = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    try {
      await this.#waitUntilReady();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const exit = this.hasExited() ? await this.#exit : undefined;
      await this.destroy();
      const status = exit === undefined ? '' : ` (exit code ${exit.code}, signal ${exit.signal})`;
      throw new Error(`Parley did not start: ${reason}${status}. It printed:\n${this.#output}`, { cause: error });
    }
  }

  async #waitUntilReady(): Promise<void> {
    await waitFor('/readyz to answer 200', this.#options.readyTimeoutMs ?? 20_000, async () => {
      if (this.hasExited()) throw new Error('the process ended');
      try {
        const { statusCode, body } = await request(`${this.url}/readyz`, { headersTimeout: 2_000 });
        await body.dump();
        return statusCode === 200;
      } catch {
        // Not listening yet.
        return false;
      }
    });
  }

  hasExited(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when the process has ended and all its output is here. */
  exited(): Promise<ExitStatus> {
    return this.#exit ?? Promise.reject(new Error('This server was never started'));
  }

  /** Sends `signal` and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGKILL: the process gets no chance to do anything. Resolves when it is gone. */
  async kill9(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited();
  }

  /** SIGTERM, then waits for the end. Does not judge how it ended: assert on what comes back. */
  async stop(): Promise<ExitStatus> {
    this.signal('SIGTERM');
    return this.exited();
  }

  /** Starts again on the same data and ports; stops it first (SIGTERM) where it still runs. */
  async restart(): Promise<void> {
    if (!this.hasExited()) await this.stop();
    await this.start();
  }

  /** Ends the process, if it still runs, and removes its data. May be called twice. */
  async destroy(): Promise<void> {
    if (!this.hasExited()) await this.kill9();
    running.delete(this);
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
