/** What replicas say to each other, and its one encoding. Kinds that a version does not know are passed over, so that versions can mix. */
import { z } from 'zod';
import type { LogRow } from '../tasks/log.ts';

export type ReplicaMessage =
  /** I am here, and hear. */
  | { readonly kind: 'hello' }
  /** Somebody here follows the task and has its events up to `seq`: whoever runs it tells me of more. */
  | { readonly kind: 'follow'; readonly taskId: string; readonly seq: number }
  /** Nobody here follows the task any more. */
  | { readonly kind: 'left'; readonly taskId: string }
  /** The log of the task has reached `seq`; `rows` are its last ones, where they are small enough. */
  | { readonly kind: 'moved'; readonly taskId: string; readonly seq: number; readonly rows?: readonly LogRow[] }
  /** I hold the task since `epoch`: its next turn, after its holder died, or only to end it. */
  | { readonly kind: 'began'; readonly taskId: string; readonly seq: number; readonly epoch: number }
  /** Cancel the task, if you hold it since this epoch and no other. */
  | { readonly kind: 'cancel'; readonly taskId: string; readonly epoch: number }
  /** An API key was changed, a session was ended: forget what you know of it. */
  | { readonly kind: 'key'; readonly keyId: string }
  | { readonly kind: 'session'; readonly sessionId: string }
  /** There is work that nobody does yet. */
  | { readonly kind: 'work' };

/** What one replica has to say at a time. */
export interface Letter {
  readonly from: string;
  readonly messages: readonly ReplicaMessage[];
}

const id = z.string().min(1).max(200);
const count = z.int().min(0);

const row = z.object({
  seq: count,
  kind: z.enum(['task', 'status', 'artifact', 'message', 'input']),
  content: z.enum(['none', 'message', 'artifact']),
  body: z.string(),
  contentStart: count,
  contentEnd: count,
  userMessage: z.string().nullable(),
  artifactId: z.string().nullable(),
  append: z.boolean(),
});

const SCHEMAS = {
  hello: z.object({ kind: z.literal('hello') }),
  follow: z.object({ kind: z.literal('follow'), taskId: id, seq: count }),
  left: z.object({ kind: z.literal('left'), taskId: id }),
  moved: z.object({ kind: z.literal('moved'), taskId: id, seq: count, rows: z.array(row).min(1).exactOptional() }),
  began: z.object({ kind: z.literal('began'), taskId: id, seq: count, epoch: count }),
  cancel: z.object({ kind: z.literal('cancel'), taskId: id, epoch: count }),
  key: z.object({ kind: z.literal('key'), keyId: id }),
  session: z.object({ kind: z.literal('session'), sessionId: id }),
  work: z.object({ kind: z.literal('work') }),
} satisfies { readonly [K in ReplicaMessage['kind']]: z.ZodType<Extract<ReplicaMessage, { kind: K }>> };

const letter = z.object({ from: id, messages: z.array(z.looseObject({ kind: z.string() })) });

/** The letter in a text; null where it is none. Messages of kinds that are not known here are left out. */
export function decodeLetter(text: string): Letter | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const read = letter.safeParse(json);
  if (!read.success) return null;
  const messages: ReplicaMessage[] = [];
  for (const message of read.data.messages) {
    if (!Object.hasOwn(SCHEMAS, message.kind)) continue;
    const parsed = SCHEMAS[message.kind as ReplicaMessage['kind']].safeParse(message);
    if (!parsed.success) return null;
    messages.push(parsed.data);
  }
  return { from: read.data.from, messages };
}

/**
 * Letters of at most `maxBytes` each with all of these messages in their order. Where a message is too large, its rows
 * are left out: the log has them.
 */
export function encodeLetters(from: string, messages: readonly ReplicaMessage[], maxBytes: number): string[] {
  const begin = `{"from":${JSON.stringify(from)},"messages":[`;
  const room = maxBytes - Buffer.byteLength(begin) - 2;
  const letters: string[] = [];
  let texts: string[] = [];
  let bytes = 0;
  const close = (): void => {
    if (texts.length > 0) letters.push(`${begin}${texts.join(',')}]}`);
    texts = [];
    bytes = 0;
  };
  for (const message of messages) {
    let text = JSON.stringify(message);
    let size = Buffer.byteLength(text) + 1;
    if (size > room && message.kind === 'moved') {
      const { kind, taskId, seq } = message;
      text = JSON.stringify({ kind, taskId, seq });
      size = Buffer.byteLength(text) + 1;
    }
    if (bytes + size > room) close();
    texts.push(text);
    bytes += size;
  }
  close();
  return letters;
}
