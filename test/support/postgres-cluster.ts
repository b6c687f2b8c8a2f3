/** A private PostgreSQL server in a temporary directory, for machines that have the binaries and no running server. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Postgres } from '../../scripts/replica-set/postgres.mjs';
import { freePorts } from './ports.ts';

export { findPostgresBinaries } from '../../scripts/replica-set/postgres.mjs';

export interface PostgresCluster {
  /** Address of a database of its, as superuser. */
  readonly url: string;
  /** Ends the server and removes its files. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a server that listens on loopback and a Unix socket, trusts every local user and does not sync to the disk.
 * @throws Error with the server's own output when it does not come up
 */
export async function startPostgresCluster(binaries: string): Promise<PostgresCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'parley-postgres-'));
  // As root, the server runs as another user, who must be able to go there.
  chmodSync(dir, 0o711);
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('No free port');
  const postgres = new Postgres({ binaries, dir: join(dir, 'server'), port, hasSocket: true, isDurable: false });
  const stop = async (): Promise<void> => {
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await postgres.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: postgres.url, stop };
}
