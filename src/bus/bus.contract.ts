/** What every ReplicaBus must do; each adapter runs it. */
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import type { ReplicaBus } from '../core/replicas/bus.ts';

export interface BusUnderTest {
  /** A bus on the same network as the others of this test. */
  join(): ReplicaBus;
  /** Cuts every connection; they can be made again at once. */
  cut(): Promise<void>;
}

let members = 0;

/** A replica that notes what it is told. */
class Member {
  readonly id = `replica-${++members}`;
  readonly bus: ReplicaBus;
  readonly heard: string[] = [];
  readonly states: boolean[] = [];
  dropped = 0;

  constructor(bus: ReplicaBus) {
    this.bus = bus;
    bus.start(this.id, {
      onPayload: (payload) => this.heard.push(Buffer.from(payload).toString('base64')),
      onState: (isUp) => this.states.push(isUp),
      onDropped: (payloads) => {
        this.dropped += payloads;
      },
    });
  }

  get isUp(): boolean {
    return this.states.at(-1) === true;
  }

  say(to: Member | 'all', text: string | Uint8Array): void {
    this.bus.publish(to === 'all' ? 'all' : { replicaId: to.id }, Buffer.from(text));
  }

  async hears(text: string | Uint8Array): Promise<void> {
    const expected = Buffer.from(text).toString('base64');
    await waitFor(`${this.id} to hear it`, 20_000, () => this.heard.includes(expected));
  }
}

async function joined(network: BusUnderTest, count: number): Promise<Member[]> {
  const replicas = Array.from({ length: count }, () => new Member(network.join()));
  onTestFinished(async () => {
    for (const { bus } of replicas) await bus.stop();
  });
  for (const replica of replicas) await waitFor('the bus to be up', 20_000, () => replica.isUp);
  return replicas;
}

/** @param open gives a network of its own, in whatever a test left behind. */
export function busContract(open: () => Promise<BusUnderTest>): void {
  test('[O16] what is for all reaches every other replica, what is for one only that one', async () => {
    const [a, b, c] = await joined(await open(), 3);
    if (!a || !b || !c) throw new Error('three');
    a.say('all', 'to all');
    a.say(b, 'to b');
    c.say(a, 'to a');
    await Promise.all([b.hears('to all'), c.hears('to all'), b.hears('to b'), a.hears('to a')]);
    // What comes later on the same ways has come: nothing else is under way.
    b.say('all', 'last');
    await Promise.all([a.hears('last'), c.hears('last')]);
    expect(c.heard).toEqual(['to all', 'last'].map((text) => Buffer.from(text).toString('base64')));
  });

  test('any bytes arrive as they were, up to the largest payload, and a burst of them whole', async () => {
    const [a, b] = await joined(await open(), 2);
    if (!a || !b) throw new Error('two');
    const largest = Uint8Array.from({ length: a.bus.maxPayloadBytes }, (_, index) => (index * 31) % 256);
    a.say(b, largest);
    await b.hears(largest);
    b.heard.length = 0;
    const burst = Array.from({ length: 2000 }, (_, index) => `number ${index} ${'.'.repeat(200)}`);
    for (const text of burst) a.say(b, text);
    await waitFor('the burst', 20_000, () => b.heard.length >= burst.length);
    expect(b.heard).toEqual(burst.map((text) => Buffer.from(text).toString('base64')));
    expect(a.dropped).toBe(0);
  });

  test('[O16] after its connections were cut it says so, comes back by itself, and carries again', async () => {
    const network = await open();
    const [a, b] = await joined(network, 2);
    if (!a || !b) throw new Error('two');
    await network.cut();
    for (const one of [a, b]) {
      await waitFor('the bus to be back', 20_000, () => one.isUp && one.states.length >= 3);
      expect(one.states).toEqual([true, false, true]);
    }
    a.say('all', 'again');
    b.say(a, 'and back');
    await Promise.all([b.hears('again'), a.hears('and back')]);
  });

  test('publishing before it is up, and after it was stopped, does nothing and harms nothing; stopping twice neither', async () => {
    const network = await open();
    const [b] = await joined(network, 1);
    if (!b) throw new Error('one');
    const never = network.join();
    never.publish('all', Buffer.from('never started'));
    await never.stop();
    const early = new Member(network.join());
    early.say('all', 'before it is up');
    await waitFor('the bus to be up', 20_000, () => early.isUp);
    early.say(b, 'now');
    await b.hears('now');
    await early.bus.stop();
    await early.bus.stop();
    early.say('all', 'after its end');
    b.say(early, 'to nobody');
    b.say(b, 'to myself');
    await b.hears('to myself');
    expect(b.heard).not.toContain(Buffer.from('never started').toString('base64'));
    expect(b.heard).not.toContain(Buffer.from('after its end').toString('base64'));
    expect(early.heard).not.toContain(Buffer.from('to nobody').toString('base64'));
  });
}
