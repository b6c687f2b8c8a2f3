/** The faults of a run, drawn from a seed: two lanes, one for processes and one for what they depend on. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Replica } from '../../../scripts/replica-set/replica.mjs';
import type { ReplicaSet } from '../../../scripts/replica-set/replica-set.mjs';
import type { Journal } from '../journal.ts';
import type { Random } from '../random.ts';
import type { DatabaseProxy } from './database-proxy.ts';

export interface FaultsOptions {
  readonly set: ReplicaSet;
  /** Of each replica, in the same order. */
  readonly proxies: readonly DatabaseProxy[];
  readonly leaseTtlMs: number;
  readonly journal: Journal;
  readonly random: Random;
  /** Told before each fault. */
  readonly onFault: (text: string) => void;
  /** Only these; default: all that the set has the parts for. */
  readonly only?: readonly FaultName[] | undefined;
}

interface Fault {
  readonly lane: 'processes' | 'dependencies';
  /** Does its harm and undoes it. */
  run(target: Target): Promise<void>;
}

interface Target {
  readonly replica: Replica;
  readonly proxy: DatabaseProxy;
}

export const FAULT_NAMES = [
  'kill -9',
  'kill -9 of all',
  'SIGTERM',
  'SIGSTOP longer than the lease',
  'clock step',
  'database restart, fast',
  'database restart, immediate',
  'database connections cut',
  'database slow',
  'database unreachable without a word',
  'NATS killed',
  'Redis killed',
  'Redis flushed',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

/** They hit all replicas: naming one would mislead. */
const OF_ALL: readonly FaultName[] = [
  'kill -9 of all',
  'database restart, fast',
  'database restart, immediate',
  'NATS killed',
  'Redis killed',
  'Redis flushed',
];

export class Faults {
  readonly #options: FaultsOptions;
  readonly #over = new AbortController();
  readonly counts = new Map<FaultName, number>();
  #lanes: Promise<void>[] = [];

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  start(): void {
    const faults = this.#faults();
    for (const lane of ['processes', 'dependencies'] as const) {
      const { only = FAULT_NAMES } = this.#options;
      const names = FAULT_NAMES.filter((name) => faults[name]?.lane === lane && only.includes(name));
      if (names.length > 0) this.#lanes.push(this.#lane(names, faults, this.#options.random.fork(lane)));
    }
  }

  async #lane(
    names: readonly FaultName[],
    faults: Readonly<Partial<Record<FaultName, Fault>>>,
    random: Random,
  ): Promise<void> {
    const { set, proxies, journal, onFault } = this.#options;
    for (;;) {
      // Time for what was begun in between to be under way.
      await delay(random.between(500, 3000), undefined, { signal: this.#over.signal }).catch(() => undefined);
      if (this.#over.signal.aborted) return;
      const name = random.pick(names);
      const index = random.between(0, set.replicas.length - 1);
      const [replica, proxy] = [set.replicas[index], proxies[index]];
      if (replica === undefined || proxy === undefined) throw new Error('no such replica');
      onFault(OF_ALL.includes(name) ? name : `${name} (${replica.name})`);
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      journal.write({ kind: 'fault', fault: name, target: replica.name, phase: 'begins' });
      await faults[name]?.run({ replica, proxy });
      journal.write({ kind: 'fault', fault: name, target: replica.name, phase: 'ends' });
    }
  }

  /** Begins no more, and waits until those under way are undone. */
  async finish(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#lanes);
  }

  #faults(): Readonly<Partial<Record<FaultName, Fault>>> {
    const { set, leaseTtlMs } = this.#options;
    const random = this.#options.random.fork('details');
    const { postgres, nats, redis } = set;
    const restart = async (replica: Replica, signal: NodeJS.Signals): Promise<void> => {
      await replica.stop(signal);
      // Sometimes at once, sometimes after others have taken over.
      await delay(random.pick([0, 500, leaseTtlMs * 2]));
      await startAgain(replica);
    };
    return {
      'kill -9': { lane: 'processes', run: ({ replica }) => restart(replica, 'SIGKILL') },
      'kill -9 of all': {
        lane: 'processes',
        run: async () => {
          await Promise.all(set.replicas.map((replica) => replica.stop('SIGKILL')));
          await Promise.all(set.replicas.map((replica) => startAgain(replica)));
        },
      },
      SIGTERM: { lane: 'processes', run: ({ replica }) => restart(replica, 'SIGTERM') },
      'SIGSTOP longer than the lease': {
        lane: 'processes',
        run: async ({ replica }) => {
          replica.signal('SIGSTOP');
          await delay(leaseTtlMs * 2 + random.between(0, 1000));
          replica.signal('SIGCONT');
        },
      },
      'clock step': {
        lane: 'processes',
        run: async ({ replica }) => {
          replica.send({ clockOffsetMs: random.pick([-120_000, -5000, 5000, 120_000]) });
          await delay(random.between(1000, 4000));
          replica.send({ clockOffsetMs: 0 });
        },
      },
      ...(postgres === undefined
        ? {}
        : {
            'database restart, fast': {
              lane: 'dependencies',
              run: async () => {
                await postgres.stop('fast');
                await delay(random.pick([0, 1000]));
                await postgres.start();
              },
            },
            'database restart, immediate': {
              lane: 'dependencies',
              run: async () => {
                await postgres.stop('immediate');
                await postgres.start();
              },
            },
          }),
      'database connections cut': { lane: 'dependencies', run: async ({ proxy }) => proxy.cut() },
      'database slow': {
        lane: 'dependencies',
        run: async ({ proxy }) => {
          proxy.slow(random.between(20, 200));
          await delay(random.between(1000, 4000));
          proxy.heal();
        },
      },
      'database unreachable without a word': {
        lane: 'dependencies',
        run: async ({ proxy }) => {
          proxy.blackhole();
          await delay(random.between(1000, leaseTtlMs * 3));
          if (random.chance(0.5)) proxy.cut();
          proxy.heal();
        },
      },
      ...(nats === undefined
        ? {}
        : {
            'NATS killed': {
              lane: 'dependencies',
              run: async () => {
                await nats.stop('SIGKILL');
                await delay(random.pick([0, 1000, 4000]));
                await nats.start();
              },
            },
          }),
      ...(redis === undefined
        ? {}
        : {
            'Redis killed': {
              lane: 'dependencies',
              run: async () => {
                await redis.stop('SIGKILL');
                await delay(random.pick([0, 1000, 4000]));
                await redis.start();
              },
            },
            'Redis flushed': { lane: 'dependencies', run: () => flush(redis.port) },
          }),
    };
  }
}

/** Meanwhile the database may be away, and a replica does not start without it: then it is started again. */
async function startAgain(replica: Replica): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await replica.start();
      return;
    } catch (error) {
      if (replica.isRunning || attempt === 10) throw error;
      await delay(500);
    }
  }
}

function flush(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('FLUSHALL\r\n'));
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
