/**
 * The bus by PostgreSQL's LISTEN and NOTIFY, over one connection of its own. One statement is under way at a time, and takes
 * along whatever has gathered meanwhile; it is in no transaction of an event, whose commit never waits for it.
 */
import pg from 'pg';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { BusHandlers, BusTarget, ReplicaBus } from '../core/replicas/bus.ts';
import {
  atMost,
  type BusConnection,
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  inTime,
  MAX_UNSENT_BYTES,
  PING_EVERY_MS,
  ReconnectingBus,
} from './reconnecting.ts';

export interface PostgresBusOptions {
  /** As the storage connects. */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** PostgreSQL takes fewer than 8000 bytes of text; in base64 these are 7996. */
const MAX_PAYLOAD_BYTES = 5997;
/** Of one statement. */
const MAX_NOTES = 256;
const KEEP_ALIVE_MS = 10_000;

const NOTIFY = 'select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as notes(channel, payload)';
const NO_ECHO =
  'what is sent by NOTIFY does not come back by LISTEN: a pooler in transaction mode in between does that; connect to PostgreSQL itself, or by a pooler in session mode';

const channelOf = (target: BusTarget): string => (target === 'all' ? 'parley_all' : `parley_${target.replicaId}`);

export function postgresBus(options: PostgresBusOptions): ReplicaBus {
  return new ReconnectingBus({
    ...options,
    name: 'PostgreSQL',
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
    connect: (replicaId, handlers) => PostgresBusConnection.open(options, replicaId, handlers),
  });
}

interface Note {
  readonly channel: string;
  /** base64 */
  readonly text: string;
}

class PostgresBusConnection implements BusConnection {
  readonly maxPayloadBytes = MAX_PAYLOAD_BYTES;
  readonly lost: Promise<void>;
  readonly #client: pg.Client;
  readonly #clock: Clock;
  readonly #handlers: BusHandlers;
  #waiting: Note[] = [];
  #waitingBytes = 0;
  #underWay: Promise<void> | null = null;
  #stopPing: () => void = () => undefined;
  #lose: () => void = () => undefined;
  #closing: Promise<void> | null = null;

  private constructor({ url, clock }: PostgresBusOptions, handlers: BusHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
    this.#client = new pg.Client({
      connectionString: url,
      application_name: 'parley bus',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    });
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    this.#client.on('error', () => this.#lose());
    this.#client.once('end', () => this.#lose());
  }

  static async open(options: PostgresBusOptions, replicaId: string, handlers: BusHandlers): Promise<BusConnection> {
    const connection = new PostgresBusConnection(options, handlers);
    try {
      await connection.#listen(replicaId);
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  async #listen(replicaId: string): Promise<void> {
    const own = channelOf({ replicaId });
    const heard = new Promise<void>((resolve) => {
      this.#client.on('notification', ({ payload = '' }) => {
        // Nobody but this connection sends an empty one.
        if (payload === '') resolve();
        else this.#handlers.onPayload(Buffer.from(payload, 'base64'));
      });
    });
    await this.#client.connect();
    for (const channel of [channelOf('all'), own]) {
      await this.#client.query(`listen ${this.#client.escapeIdentifier(channel)}`);
    }
    await this.#client.query('select pg_notify($1, $2)', [own, '']);
    await inTime(this.#clock, heard, NO_ECHO);
    this.#stopPing = this.#clock.every(PING_EVERY_MS, () => {
      this.#client.query('select 1').catch(() => this.#lose());
    });
  }

  publish(target: BusTarget, payload: Uint8Array): void {
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('base64');
    if (this.#waitingBytes + text.length > MAX_UNSENT_BYTES) {
      this.#handlers.onDropped(1);
      return;
    }
    this.#waiting.push({ channel: channelOf(target), text });
    this.#waitingBytes += text.length;
    this.#send();
  }

  #send(): void {
    if (this.#underWay !== null || this.#waiting.length === 0) return;
    const notes = this.#waiting.splice(0, MAX_NOTES);
    for (const { text } of notes) this.#waitingBytes -= text.length;
    this.#underWay = this.#notify(notes).then(() => {
      this.#underWay = null;
      this.#send();
    });
  }

  async #notify(notes: readonly Note[]): Promise<void> {
    const values = [notes.map(({ channel }) => channel), notes.map(({ text }) => text)];
    try {
      await this.#client.query({ name: 'parley_notify', text: NOTIFY, values });
    } catch {
      this.#handlers.onDropped(notes.length);
      this.#lose();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopPing();
    if (this.#underWay !== null) await atMost(this.#clock, CLOSE_TIMEOUT_MS, this.#underWay);
    await atMost(this.#clock, CLOSE_TIMEOUT_MS, this.#client.end());
    this.#lose();
  }
}
