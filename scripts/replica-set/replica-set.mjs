// @ts-check
/** Several replicas of Parley on one PostgreSQL, with NATS, Redis and a balancer where they are wanted. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startHaproxy } from './haproxy.mjs';
import { Postgres } from './postgres.mjs';
import { Replica } from './replica.mjs';
import { natsServer, redisServer } from './side-servers.mjs';

/**
 * @typedef {import('./replica.mjs').ReplicaPorts} ReplicaPorts
 *
 * @typedef {object} OwnServer
 * @property {string} binary
 * @property {number} port
 *
 * @typedef {object} ReplicaSetOptions
 * @property {string} dir for everything that is kept
 * @property {readonly string[]} program what Node.js runs as a replica, with its arguments
 * @property {readonly ReplicaPorts[]} replicas
 * @property {{ readonly url: string } | import('./postgres.mjs').PostgresOptions} database one that is there, or one to start
 * @property {OwnServer & { readonly grpcPort?: number }} [haproxy]
 * @property {OwnServer} [nats]
 * @property {OwnServer} [redis]
 * @property {(index: number, url: string) => string} [databaseUrlOf] what replica `index` connects to instead of `url`
 * @property {Readonly<Record<string, string>>} [env] of every replica
 * @property {(index: number) => Readonly<Record<string, string>>} [envOf] of replica `index`
 * @property {boolean} [hasChannel]
 * @property {(replica: Replica) => void} [onCrash] it was ready, and has ended though nobody asked for it
 */

export class ReplicaSet {
  /** @type {ReplicaSetOptions} */
  #options;
  /** @type {readonly Replica[]} */
  replicas = [];
  /** @type {Postgres | undefined} undefined: it was not started by us */
  postgres;
  /** @type {import('./side-servers.mjs').SideServer | undefined} */
  nats;
  /** @type {import('./side-servers.mjs').SideServer | undefined} */
  redis;
  /** @type {import('./haproxy.mjs').Haproxy | undefined} */
  haproxy;
  /** @type {(() => Promise<void>)[]} */
  #stops = [];
  #isStopped = false;

  /** @param {ReplicaSetOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Where clients go: the balancer, or the first replica where there is none. */
  get url() {
    return this.haproxy?.url ?? this.replicas[0]?.url ?? '';
  }

  /** `host:port` for gRPC: the balancer, or the first replica where it has none for that. */
  get grpcAddress() {
    const port = this.#options.haproxy?.grpcPort ?? this.replicas[0]?.ports.grpcPort;
    return `127.0.0.1:${port}`;
  }

  /** Of the database, as the set was told or as it started it. */
  get databaseUrl() {
    const { database } = this.#options;
    return 'url' in database ? database.url : (this.postgres?.url ?? '');
  }

  get adminKeyFile() {
    return join(this.#options.dir, 'admin-key');
  }

  get adminKey() {
    return readFileSync(this.adminKeyFile, 'utf8').trim();
  }

  /** Starts everything, or stops what it had begun with and rejects. The first replica migrates, the others follow. */
  async start() {
    try {
      await this.#start();
      if (this.#isStopped) throw new Error('It was stopped while it started');
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #start() {
    const { dir, database, nats, redis, haproxy, replicas } = this.#options;
    mkdirSync(dir, { recursive: true });
    makeKey(this.adminKeyFile);
    makeKey(join(dir, 'encryption.key'));
    if (!('url' in database)) {
      const postgres = new Postgres(database);
      this.postgres = postgres;
      this.#stops.push(() => postgres.stop());
      await postgres.start();
    }
    if (nats) this.nats = await this.#begin(natsServer({ ...nats, dir }));
    if (redis) this.redis = await this.#begin(redisServer({ ...redis, dir }));
    this.replicas = replicas.map((ports, index) => this.#replica(ports, index));
    this.#stops.push(async () => {
      // One after the other: each gives its tasks to those that are left.
      for (const replica of this.replicas) await replica.stop();
    });
    const [first, ...others] = this.replicas;
    await first?.start();
    await Promise.all(others.map((replica) => replica.start()));
    if (haproxy) {
      const backends = this.replicas.map(({ name, ports }) => ({ name, ...ports }));
      const balancer = await startHaproxy({ ...haproxy, backends });
      this.haproxy = balancer;
      this.#stops.push(() => balancer.stop());
    }
  }

  /** @param {import('./side-servers.mjs').SideServer} server */
  async #begin(server) {
    this.#stops.push(() => server.stop());
    await server.start();
    return server;
  }

  /** @param {ReplicaPorts} ports @param {number} index */
  #replica(ports, index) {
    const { dir, program, databaseUrlOf, haproxy, nats, redis, env, envOf, hasChannel, onCrash } = this.#options;
    const url = databaseUrlOf?.(index, this.databaseUrl) ?? this.databaseUrl;
    const name = `r${index + 1}`;
    return new Replica({
      name,
      dir: join(dir, name),
      program,
      ports,
      env: {
        DATABASE_URL: url,
        // Whatever the replicas must agree on.
        ADMIN_API_KEY_FILE: this.adminKeyFile,
        ENCRYPTION_KEY_FILE: join(dir, 'encryption.key'),
        ...(haproxy ? { PUBLIC_URL: `http://127.0.0.1:${haproxy.port}`, TRUST_PROXY: 'true' } : {}),
        ...(haproxy?.grpcPort === undefined ? {} : { GRPC_PUBLIC_ADDRESS: `127.0.0.1:${haproxy.grpcPort}` }),
        ...(nats ? { NATS_URL: `nats://127.0.0.1:${nats.port}` } : {}),
        ...(redis ? { REDIS_URL: `redis://127.0.0.1:${redis.port}` } : {}),
        ...env,
        ...envOf?.(index),
      },
      ...(hasChannel ? { hasChannel } : {}),
      ...(onCrash ? { onCrash } : {}),
    });
  }

  /** In the reverse order of the start; may be called twice. */
  async stop() {
    this.#isStopped = true;
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }
}

/** 32 random bytes in base64, in a file for its owner only; one that is there is kept. @param {string} file */
function makeKey(file) {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
}
