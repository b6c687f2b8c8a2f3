/** The steady load of a run: clients of several owners, each doing one thing after the other. */
import { setMaxListeners } from 'node:events';
import type { Journal } from '../journal.ts';
import type { Random } from '../random.ts';
import { type Endpoint, type Form, PAGED_FORMS } from '../wire/call.ts';
import { Caller } from './caller.ts';
import { Client, GaveUp, type Message } from './client.ts';
import type { PushReceiver } from './receiver.ts';

export interface Owner {
  readonly name: string;
  readonly key: string;
}

export interface LoadOptions {
  readonly owners: readonly Owner[];
  /** The balancer first, then each replica. */
  readonly servers: readonly Omit<Endpoint, 'key'>[];
  readonly journal: Journal;
  readonly receiver: PushReceiver;
  readonly random: Random;
  /** At once, of all owners together. */
  readonly clients: number;
}

export const AGENTS = ['echo', 'steps-resume', 'steps-restart', 'steps-once'] as const;

const LAST_LOOK_MS = 60_000;

export class Load {
  readonly #options: LoadOptions;
  readonly #caller = new Caller();
  readonly #over = new AbortController();
  readonly #loops: Promise<void>[] = [];
  /** The latest tasks, for looks from outside: whose they are, and of which agent. */
  readonly #recent: { readonly owner: string; readonly agent: string; readonly taskId: string }[] = [];
  #isEnding = false;
  #numbers = 0;
  readonly operations = new Map<string, number>();

  /** How many answers and streams there were in each form. */
  get forms(): ReadonlyMap<Form, number> {
    return this.#caller.answered;
  }

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    // Every request of every client listens to it.
    setMaxListeners(0, this.#over.signal);
    const { clients, owners, random } = this.#options;
    for (let index = 0; index < clients; index++) {
      const owner = owners[index % owners.length];
      if (owner === undefined) throw new Error('no owner');
      const client = this.#client(owner, random.fork(`client ${index}`));
      this.#loops.push(this.#loop(client, owner.name));
    }
  }

  #client({ name, key }: Owner, random: Random, signal = this.#over.signal): Client {
    const { servers, journal } = this.#options;
    const nextNumber = () => ++this.#numbers;
    const endpoints = servers.map((server) => ({ ...server, key }));
    return new Client({ owner: name, endpoints, journal, caller: this.#caller, random, nextNumber, signal });
  }

  async #loop(client: Client, owner: string): Promise<void> {
    const deeds = deedsOf(this.#options.receiver, (agent, taskId) => {
      this.#recent.push({ owner, agent, taskId });
      if (this.#recent.length > 200) this.#recent.shift();
    });
    deeds['look at the tasks of all owners'] = async () => {
      const { random } = client;
      const seen = this.#recent.slice(-20);
      if (seen.length === 0) return;
      const { agent, taskId } = random.pick(seen);
      await client.read(agent, taskId);
      await client.list(agent).catch(() => undefined);
    };
    const names = Object.keys(deeds);
    while (!this.#isEnding) {
      const name = client.random.pick(names);
      try {
        await deeds[name]?.(client);
        this.operations.set(name, (this.operations.get(name) ?? 0) + 1);
      } catch (error) {
        // What was refused is in the journal; the client goes on with something else.
        if (!(error instanceof GaveUp)) throw error;
      }
      await client.pause(client.random.between(10, 60)).catch(() => undefined);
    }
  }

  /** Begins nothing more, and waits at most so long for what is under way. */
  async finish(withinMs: number): Promise<void> {
    this.#isEnding = true;
    const timer = setTimeout(() => this.#over.abort(), withinMs);
    await Promise.all(this.#loops);
    clearTimeout(timer);
  }

  /** What each owner sees of each agent's tasks when all is at rest. */
  async lastLook(): Promise<void> {
    for (const owner of this.#options.owners) {
      // The time of the others may be over.
      const client = this.#client(owner, this.#options.random.fork('last look'), AbortSignal.timeout(LAST_LOOK_MS));
      for (const agent of AGENTS) {
        for (const form of PAGED_FORMS) await client.list(agent, form, true);
      }
    }
  }

  async close(): Promise<void> {
    this.#over.abort();
    await Promise.allSettled(this.#loops);
    await this.#caller.close();
  }
}

type Deed = (client: Client) => Promise<unknown>;

function deedsOf(receiver: PushReceiver, isThere: (agent: string, taskId: string) => void): Record<string, Deed> {
  const hookOf = ({ random }: Client, share: number) => (random.chance(share) ? { hook: receiver.newHook() } : {});
  const ticks = ({ random }: Client): Message => {
    const text = `/stream count=${random.between(5, 40)} interval=${random.between(20, 150)}`;
    return { agent: 'echo', text };
  };
  const steps = ({ random }: Client): Message => {
    const agent = random.pick(['steps-resume', 'steps-restart', 'steps-once']);
    return { agent, text: `steps=${random.between(3, 25)} every=${random.between(20, 150)}` };
  };
  return {
    async 'send and wait'(client) {
      const { taskId } = await client.send({ agent: 'echo', text: 'hello' }, false);
      isThere('echo', taskId);
    },
    async 'send and poll'(client) {
      const message = { ...ticks(client), ...hookOf(client, 0.3) };
      const { taskId } = await client.send(message, true);
      isThere('echo', taskId);
      await client.poll('echo', taskId);
    },
    async 'stream and follow twice'(client) {
      const message = { ...ticks(client), ...hookOf(client, 0.2) };
      let second: Promise<unknown> = Promise.resolve();
      await client.stream(message, (taskId) => {
        isThere('echo', taskId);
        second = client.subscribe('echo', taskId).catch(() => undefined);
      });
      await second;
    },
    async cancel(client) {
      const { taskId } = await client.send({ agent: 'echo', text: '/sleep 60000' }, true);
      isThere('echo', taskId);
      await client.pause(client.random.between(0, 800));
      await client.cancel('echo', taskId);
      await client.poll('echo', taskId);
    },
    async 'ask and answer'(client) {
      const asked = await client.send({ agent: 'echo', text: '/ask Which city?', ...hookOf(client, 0.3) }, false);
      if (asked.state !== 'TASK_STATE_INPUT_REQUIRED') return;
      await client.pause(client.random.between(0, 300));
      const answer = { agent: 'echo', text: 'Vienna', taskId: asked.taskId };
      if (client.random.chance(0.5)) await client.stream(answer);
      else await client.send(answer, false);
    },
    async 'stream of an agent with effects'(client) {
      const message = { ...steps(client), ...hookOf(client, 0.3) };
      await client.stream(message, (taskId) => isThere(message.agent, taskId));
    },
    async 'wait for an agent with effects'(client) {
      const message = steps(client);
      const { taskId } = await client.send(message, false);
      isThere(message.agent, taskId);
    },
  };
}
