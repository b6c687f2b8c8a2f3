/** The port through which captures and their frames are kept. Replicas share them. */

/** Why a capture is over. `full`: it has all the frames that it may, or there is no room for more. */
export type CaptureEnd = 'stopped' | 'time' | 'full';

export interface CaptureRecord {
  readonly id: string;
  /** Whose calls; null: of all agents, of all keys. */
  readonly agentId: string | null;
  readonly keyId: string | null;
  /** The key that it was started with; null: the admin key, or none where authentication is switched off. */
  readonly starterKeyId: string | null;
  readonly startedBy: string;
  readonly startedAtMs: number;
  /** Its end, if it is not ended before. */
  readonly endsAtMs: number;
  readonly endedAtMs: number | null;
  readonly endedWhy: CaptureEnd | null;
  readonly maxFrames: number;
  readonly frames: number;
  /** Stored text of its frames. */
  readonly bytes: number;
}

export type NewCapture = Omit<CaptureRecord, 'endedAtMs' | 'endedWhy' | 'frames' | 'bytes'>;

export type Transport = 'JSONRPC' | 'HTTP+JSON' | 'GRPC';

/** One frame as it went over the wire, with secrets masked. */
export interface CapturedFrame {
  /** The call that it belongs to, and its place among the frames of that call. */
  readonly exchangeId: string;
  readonly n: number;
  /** null: the call is about no task, or about one that was not named. */
  readonly taskId: string | null;
  readonly ownerId: string;
  readonly agentId: string;
  readonly keyId: string | null;
  readonly atMs: number;
  readonly direction: 'in' | 'out';
  /** `end`: how a gRPC call ended. */
  readonly kind: 'request' | 'response' | 'event' | 'end';
  readonly transport: Transport;
  /** As the request says it; null: it says none. */
  readonly version: string | null;
  /** The event that it carries. */
  readonly seq: number | null;
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Of the whole body on the wire. */
  readonly bodyBytes: number;
  /** `body` is only the beginning. */
  readonly isCut: boolean;
  /** `body` was protobuf, and is shown as JSON. */
  readonly isDecoded: boolean;
}

export interface StoredFrame extends CapturedFrame {
  /** Grows; the position of a page. */
  readonly num: number;
  readonly captureId: string;
}

/** Every method is one statement or one transaction. */
export interface CaptureStore {
  insert(capture: NewCapture): Promise<void>;
  find(id: string): Promise<CaptureRecord | null>;
  /** Those that run. */
  active(nowMs: number): Promise<readonly CaptureRecord[]>;
  /** Newest first. @param starterKeyId only those that were started with this key */
  list(limit: number, starterKeyId?: string): Promise<readonly CaptureRecord[]>;
  /** `false`: it was over already. */
  end(id: string, why: CaptureEnd, nowMs: number): Promise<boolean>;
  /** Ends those whose time is over, and says which: each is told once, whichever replica asks. */
  endDue(nowMs: number): Promise<readonly CaptureRecord[]>;
  /** Stores what there is room for; `false`: the capture is full or over now. */
  addFrames(captureId: string, frames: readonly CapturedFrame[], nowMs: number): Promise<boolean>;
  /**
   * While there are more bytes than these in all, whoever started captures with most of them loses the oldest one that is
   * over; who has none that is over has those that run ended.
   */
  makeRoom(maxBytes: number, nowMs: number): Promise<readonly CaptureRecord[]>;
  /** Each frame once, whichever captures have it; of calls of this owner only. */
  framesOfTask(taskId: string, ownerId: string, after: number, limit: number): Promise<readonly StoredFrame[]>;
  /** @param agentIds only those of calls to these agents; null: all */
  framesOfCapture(
    id: string,
    after: number,
    limit: number,
    agentIds: readonly string[] | null,
  ): Promise<readonly StoredFrame[]>;
  /** Forgets captures that were over before `endedBeforeMs`, with their frames. */
  prune(endedBeforeMs: number): Promise<void>;
  /** Forgets all that are over and were started with this key (null: by the admin), but for the newest ones. */
  keepNewest(starterKeyId: string | null, count: number): Promise<void>;
  /** Forgets one, with its frames. */
  remove(id: string): Promise<void>;
}
