/** A server of its own for a test, on a free port: it can be killed, started again where it was, and paused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SideServer, SideServerOptions } from '../../scripts/replica-set/side-servers.mjs';
import { freePorts } from './ports.ts';

export interface OwnServer {
  /** The same after each start. */
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. May be called twice. */
  kill(): Promise<void>;
  /** It answers nobody, and its connections stay open. */
  pause(): void;
  resume(): void;
  /** Kills it, and removes its files. May be called twice. */
  destroy(): Promise<void>;
}

/** Resolves when it listens. `scheme`: of its URL. */
export async function startOwnServer(
  scheme: 'nats' | 'redis',
  binary: string,
  create: (options: SideServerOptions) => SideServer,
): Promise<OwnServer> {
  const [port = 0] = await freePorts(1);
  const dir = mkdtempSync(join(tmpdir(), `parley-${scheme}-`));
  const server = create({ binary, dir, port });
  const own: OwnServer = {
    url: `${scheme}://127.0.0.1:${port}`,
    start: () => server.start(),
    kill: () => server.stop('SIGKILL'),
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    async destroy() {
      await own.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await own.start();
  } catch (error) {
    await own.destroy();
    throw error;
  }
  return own;
}
