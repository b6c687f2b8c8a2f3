/** A private PostgreSQL server in a temporary directory, for machines that have the binaries and no running server. */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { guardChild } from './child-guard.js';
import { freePorts } from './ports.js';
import { waitFor } from './wait-for.js';

/** Newest first: Debian keeps the server's binaries out of the PATH. */
function binaryDirs() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [...versions.map((version) => join(debian, version, 'bin')), ...(process.env['PATH'] ?? '').split(delimiter)];
}
/** The directory that holds both `initdb` and `postgres`, or undefined. */
export function findPostgresBinaries() {
  return binaryDirs().find((dir) => dir !== '' && existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')));
}
/** PostgreSQL refuses to run as root: then it runs as `postgres` where there is one, else as `nobody`. */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim());
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL cannot run as root, and this machine has neither a user `postgres` nor `nobody`');
}
/**
 * Starts a server that only listens on loopback, trusts every local user and does not sync to the disk.
 * @throws Error with the server's own output when it does not come up within 30 s
 */
export async function startPostgresCluster(binaries) {
  const user = unprivilegedUser();
  const dir = mkdtempSync(join(tmpdir(), 'parley-postgres-'));
  if (user) chownSync(dir, user.uid, user.gid);
  const dataDir = join(dir, 'data');
  const removeFiles = () => rmSync(dir, { recursive: true, force: true });
  const initArguments = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
  const init = spawnSync(join(binaries, 'initdb'), initArguments, { ...user, cwd: dir, encoding: 'utf8' });
  if (init.status !== 0) {
    removeFiles();
    throw new Error(`initdb failed: ${init.stderr ?? init.error?.message}`);
  }
  const [port] = await freePorts(1);
  const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, 'fsync=off', 'max_connections=200'];
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', dataDir, '-k', dir, ...settings.flatMap((setting) => ['-c', setting])],
    { ...user, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  guardChild(server);
  let output = '';
  server.stderr.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
  });
  const hasEnded = () => server.exitCode !== null || server.signalCode !== null;
  const stop = async () => {
    if (!hasEnded()) {
      // SIGINT is PostgreSQL's fast shutdown: it ends the sessions that are open.
      server.kill('SIGINT');
      await new Promise((resolve) => server.once('exit', resolve));
    }
    removeFiles();
  };
  try {
    await waitFor('PostgreSQL to accept connections', 30_000, () => {
      if (hasEnded()) throw new Error(`PostgreSQL ended at its start: ${output}`);
      return output.includes('ready to accept connections');
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
}
