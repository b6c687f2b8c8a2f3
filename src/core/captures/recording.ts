/** The frames of one call on their way to the store. */
import type { Clock } from '../clock.ts';
import type { CapturedFrame, Transport } from './capture-store.ts';
import { type Headers, isAboutPush, maskBody, maskHeaders, maskParameters } from './masking.ts';

export interface RecordedCall {
  readonly ownerId: string;
  readonly keyId: string | null;
  readonly agentId: string;
  readonly transport: Transport;
  readonly version: string | null;
}

export interface WireFrame {
  readonly direction: CapturedFrame['direction'];
  readonly kind: CapturedFrame['kind'];
  readonly line?: string;
  readonly headers?: Headers;
  readonly body?: string;
  /** Of the body on the wire, where `body` is a decoded form of it. */
  readonly encodedBytes?: number;
  readonly seq?: number | null;
}

export interface RecordingOptions {
  readonly exchangeId: string;
  readonly call: RecordedCall;
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  readonly limitReached: (limit: string) => void;
  readonly keep: (frames: readonly CapturedFrame[]) => void;
}

export class Recording {
  readonly #options: RecordingOptions;
  #taskId: string | null = null;
  #isAboutPush = false;
  #n = 0;
  #isOver = false;
  /** Until it is known which task they are about, or the call is over. */
  #held: CapturedFrame[] = [];

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** The call is about this task, as was seen in one of its frames; the first one holds. */
  about(taskId: string | null): void {
    if (taskId === null || this.#taskId !== null) return;
    this.#taskId = taskId;
    this.#release();
  }

  get isAboutTask(): boolean {
    return this.#taskId !== null;
  }

  add(frame: WireFrame): void {
    if (this.#isOver) return;
    const { exchangeId, call, clock } = this.#options;
    const { direction, kind, line = '', headers = [], body = '', encodedBytes, seq = null } = frame;
    // Looked for before it is cut: what says so may come last.
    if (kind === 'request') this.#isAboutPush = isAboutPush(line, body);
    const { text, bytes, isCut } = this.#cut(body);
    this.#held.push({
      exchangeId,
      n: this.#n++,
      taskId: null,
      ...call,
      atMs: clock.now(),
      direction,
      kind,
      seq,
      line: maskParameters(storable(line)),
      headers: maskHeaders(headers).map(([name, value]) => [storable(name), storable(value)]),
      body: maskBody(storable(text), this.#isAboutPush),
      bodyBytes: encodedBytes ?? bytes,
      isCut,
      isDecoded: encodedBytes !== undefined,
    });
    if (this.#taskId !== null) this.#release();
  }

  /** Nothing more comes. May be called twice. */
  end(): void {
    this.#isOver = true;
    this.#release();
  }

  #release(): void {
    if (this.#held.length === 0) return;
    this.#options.keep(this.#held.map((frame) => ({ ...frame, taskId: this.#taskId })));
    this.#held = [];
  }

  #cut(body: string): { readonly text: string; readonly bytes: number; readonly isCut: boolean } {
    const { maxBodyBytes, limitReached } = this.#options;
    const bytes = Buffer.byteLength(body);
    if (bytes <= maxBodyBytes) return { text: body, bytes, isCut: false };
    limitReached('captures.maxFrameBytes');
    // A character that is cut in two is left out.
    const text = Buffer.from(body)
      .subarray(0, maxBodyBytes)
      .toString()
      .replace(/\ufffd$/, '');
    return { text, bytes, isCut: true };
  }
}

/** What PostgreSQL has no text for. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd');
