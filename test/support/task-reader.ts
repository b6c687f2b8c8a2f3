/** Whoever follows a task with interruptions, and writes down what came. */
import type { OpenStream } from '../../src/core/tasks/service.ts';
import { Follower } from './task-bench.ts';

/** A follower that is full now and then, leaves now and then, and comes back where it was. */
export class TaskReader {
  readonly seqs: number[] = [];
  base = 0;
  isEnded = false;
  lastSeen: number | undefined;
  #stream: OpenStream | null = null;
  #follower: Follower | null = null;
  #taken = 0;

  get isAway(): boolean {
    return this.#follower === null;
  }

  async come(open: (lastEventId: number | undefined, sink: Follower) => Promise<OpenStream | 'empty'>): Promise<void> {
    const follower = new Follower();
    let left = this.#patience;
    follower.hasRoom = () => left-- > 0;
    this.#follower = follower;
    this.#taken = 0;
    const stream = await open(this.lastSeen, follower);
    if (stream === 'empty') {
      this.isEnded = true;
      return;
    }
    this.#stream = stream;
    const [snapshot] = follower.snapshots;
    if (snapshot !== undefined) {
      this.base = snapshot.seq;
      this.lastSeen = snapshot.seq;
    }
    this.read();
  }

  readonly #patience: number;
  constructor(patience: number) {
    this.#patience = patience;
  }

  read(): void {
    const follower = this.#follower;
    if (follower === null) return;
    for (const seq of follower.seqs.slice(this.#taken)) {
      this.seqs.push(seq);
      this.lastSeen = seq;
      this.#taken++;
    }
    if (follower.isEnded) this.isEnded = true;
    this.#stream?.resume();
  }

  leave(): void {
    this.read();
    this.#stream?.close();
    this.#stream = null;
    this.#follower = null;
  }
}
