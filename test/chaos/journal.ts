/** What clients, receivers and agents were told and did, each from its own side, as one JSON object per line. */
import { createWriteStream, readFileSync, type WriteStream } from 'node:fs';
import type { Form } from './wire/call.ts';

interface Line {
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The name under which clients know an owner, and the id that the server gave it. */
export interface OwnerLine extends Line {
  readonly kind: 'owner';
  readonly owner: string;
  readonly ownerId: string;
}

/** A message is about to be sent; a retry is sent again under the same `op`. */
export interface SentLine extends Line {
  readonly kind: 'sent';
  readonly op: number;
  readonly owner: string;
  readonly agent: string;
  /** null: the message itself, with its id, says that it is the same. */
  readonly key: string | null;
  readonly messageId: string;
  readonly text: string;
  /** The task that it continues. */
  readonly taskId: string | null;
  /** Path of the receiver that its push configuration names. */
  readonly hook: string | null;
}

/** The server answered a send, a cancel or the beginning of a stream. */
export interface AnsweredLine extends Line {
  readonly kind: 'answered';
  readonly op: number;
  /** Of the request that was answered: each try has one of its own. */
  readonly form: Form;
  readonly status: number;
  readonly taskId: string | null;
  readonly state: string | null;
  /** The reason or code of a refusal. */
  readonly error: string | null;
}

/** There was no answer, or none that says what became of the request. */
export interface LostLine extends Line {
  readonly kind: 'lost';
  readonly op: number;
  readonly form: Form;
  readonly error: string;
}

export interface CancelingLine extends Line {
  readonly kind: 'canceling';
  readonly op: number;
  readonly owner: string;
  readonly taskId: string;
}

/** One event that a client got. All connections of one follower are one stream to it. */
export interface EventLine extends Line {
  readonly kind: 'event';
  readonly follower: number;
  readonly form: Form;
  readonly owner: string;
  readonly taskId: string;
  readonly seq: number;
  /** It came first on its connection, for a subscription without a position: the Task as it is, and no event. */
  readonly isSnapshot: boolean;
  /** In the JSON of 1.0. */
  readonly data: string;
}

/** The follower needs no more: it has the end of the turn, or was told that there is nothing left. */
export interface FollowedLine extends Line {
  readonly kind: 'followed';
  readonly follower: number;
  readonly taskId: string;
  readonly seq: number;
}

/** The run was over, and the stream still open, without the end of the turn. */
export interface AbandonedLine extends Line {
  readonly kind: 'abandoned';
  readonly follower: number;
  readonly form: Form;
  /** Address of the balancer or replica. */
  readonly server: string;
  readonly taskId: string;
  readonly seq: number;
}

/** The answer to a GetTask; `asked` is when the request began. */
export interface ReadLine extends Line {
  readonly kind: 'read';
  readonly form: Form;
  readonly asked: number;
  readonly owner: string;
  readonly taskId: string;
  readonly status: number;
  readonly state: string | null;
}

/** All pages of a list. */
export interface ListedLine extends Line {
  readonly kind: 'listed';
  readonly form: Form;
  readonly owner: string;
  readonly agent: string;
  readonly taskIds: readonly string[];
  /** null: the form does not say. */
  readonly totalSize: number | null;
  /** Nothing changed any more when it was asked for. */
  readonly isFinal: boolean;
}

/** A receiver got a push. */
export interface PushedLine extends Line {
  readonly kind: 'pushed';
  readonly hook: string;
  readonly taskId: string;
  readonly seq: number;
  /** What is wrong with its signature; null: nothing. */
  readonly problem: string | null;
  readonly body: string;
  /** What the receiver answered. */
  readonly status: number;
}

/** An agent did a step of a turn, with effects outside of the server. */
export interface ExecutedLine extends Line {
  readonly kind: 'executed';
  readonly agent: string;
  readonly taskId: string;
  readonly messageId: string;
  readonly attempt: number;
  readonly pid: number;
  readonly step: number;
}

/** An answer with status 200 that is not JSON. */
export interface UnreadableLine extends Line {
  readonly kind: 'unreadable';
  readonly form: Form;
  /** What was asked for. */
  readonly path: string;
}

/** A replica ended, and no fault of the run had ended it. */
export interface CrashedLine extends Line {
  readonly kind: 'crashed';
  readonly replica: string;
}

export interface FaultLine extends Line {
  readonly kind: 'fault';
  readonly fault: string;
  readonly target: string;
  readonly phase: 'begins' | 'ends';
}

export type JournalLine =
  | OwnerLine
  | SentLine
  | AnsweredLine
  | LostLine
  | CancelingLine
  | EventLine
  | FollowedLine
  | AbandonedLine
  | ReadLine
  | ListedLine
  | PushedLine
  | ExecutedLine
  | UnreadableLine
  | CrashedLine
  | FaultLine;

/** A line without the time, which the journal adds. */
type Untimed<T> = T extends unknown ? Omit<T, 'at'> : never;

export class Journal {
  readonly file: string;
  readonly #stream: WriteStream;
  readonly counts = new Map<JournalLine['kind'], number>();

  constructor(file: string) {
    this.file = file;
    this.#stream = createWriteStream(file, { flags: 'a' });
  }

  write(line: Untimed<JournalLine>): void {
    this.counts.set(line.kind, (this.counts.get(line.kind) ?? 0) + 1);
    this.#stream.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }
}

/** The lines of several files, in the order of time. */
export function readJournals(files: readonly string[]): JournalLine[] {
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  const parsed = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as JournalLine);
  return parsed.sort((a, b) => a.at - b.at);
}
