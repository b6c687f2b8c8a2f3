/**
 * Capturing what goes over the wire: off until somebody asks for it, for an agent or a key, for some minutes, within
 * limits. While nothing is captured a call costs one look at `isActive`.
 */
import { AppError } from '../../protocol/errors.ts';
import { authorize } from '../access/authorize.ts';
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { CapturedFrame, CaptureRecord, CaptureStore, StoredFrame } from './capture-store.ts';
import { type RecordedCall, Recording } from './recording.ts';

export interface CaptureLimits {
  readonly maxActive: number;
  /** Of those, for each API key. The admin may have all. */
  readonly maxActivePerKey: number;
  readonly maxFrames: number;
  /** Of one body; what is beyond it is cut off. */
  readonly maxFrameBytes: number;
  /** Of all frames that are stored. */
  readonly maxBytes: number;
  readonly keepMs: number;
}

export interface CaptureMetrics {
  framesStored(count: number): void;
  framesLost(count: number): void;
  limitReached(limit: string): void;
}

export interface CapturesOptions {
  readonly store: CaptureStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly limits: CaptureLimits;
  readonly metrics: CaptureMetrics;
  /** Other processes use the same database: their captures are looked for. */
  readonly isShared: boolean;
}

export interface CaptureRequest {
  readonly agentId?: string | undefined;
  readonly keyId?: string | undefined;
  readonly minutes: number;
  readonly maxFrames?: number | undefined;
}

/** Frames are stored this often, captures that are due end, and those of other replicas begin and end here. */
const TICK_MS = 1000;
const PRUNE_EVERY_TICKS = 60;
/** What waits to be stored; beyond it frames are lost, and counted. */
const MAX_WAITING_CHARS = 16 * 1024 * 1024;
const MAX_LISTED = 200;
/** Captures that are over, of one key. */
const MAX_KEPT_PER_KEY = 100;
/** What a frame takes in memory besides its text, about. */
const FRAME_CHARS = 200;
const MINUTE_MS = 60_000;

interface Waiting {
  readonly captureIds: readonly string[];
  readonly frame: CapturedFrame;
}

export class Captures {
  /** Whether anything is captured here at all. */
  isActive = false;
  readonly #options: CapturesOptions;
  #running: readonly CaptureRecord[] = [];
  #waiting: Waiting[] = [];
  #waitingChars = 0;
  #ticks = 0;
  #isFailing = false;
  #tick: Promise<void> | null = null;
  #beginning: Promise<unknown> = Promise.resolve();
  #stopTimer: (() => void) | null = null;

  constructor(options: CapturesOptions) {
    this.#options = options;
  }

  /** Goes on with the captures that run. */
  async start(): Promise<void> {
    await this.#look();
    this.#stopTimer = this.#options.clock.every(TICK_MS, () => void this.tick());
  }

  /** Stores what waits. May be called twice, and after a failed start. */
  async stop(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = null;
    await this.tick();
    this.#setRunning([]);
  }

  /** A recording of this call for the captures that want it; null: none does. */
  record(call: RecordedCall): Recording | null {
    const { clock, ids, limits, metrics } = this.#options;
    const nowMs = clock.now();
    const captureIds = this.#running
      .filter(
        ({ agentId, keyId, endsAtMs }) =>
          endsAtMs > nowMs && (agentId ?? call.agentId) === call.agentId && (keyId ?? call.keyId) === call.keyId,
      )
      .map(({ id }) => id);
    if (captureIds.length === 0) return null;
    return new Recording({
      exchangeId: ids.next(),
      call,
      clock,
      maxBodyBytes: limits.maxFrameBytes,
      limitReached: (limit) => metrics.limitReached(limit),
      keep: (frames) => this.#keep(captureIds, frames),
    });
  }

  /** Throws PERMISSION_DENIED for calls that are not the caller's to look at, LIMIT_EXCEEDED where enough is captured. */
  async begin(principal: Principal, request: CaptureRequest): Promise<CaptureRecord> {
    const { logger } = this.#options;
    authorize(principal, 'capture.write', { kind: 'server' });
    const { agentId, minutes } = request;
    if (agentId !== undefined) authorize(principal, 'capture.write', { kind: 'agent', agentId });
    const keyId = keyToCapture(principal, request.keyId);
    // One after the other, so that those who ask at once do not all find room.
    const begun = this.#beginning.then(() => this.#insert(principal, request, keyId));
    this.#beginning = begun.catch(() => undefined);
    const record = await begun;
    const about = { captureId: record.id, agentId: record.agentId, capturedKeyId: keyId, minutes };
    logger.info({ audit: 'capture-started', by: principal.name, keyId: principal.keyId, ...about }, 'capture started');
    return record;
  }

  async #insert(principal: Principal, request: CaptureRequest, keyId: string | null): Promise<CaptureRecord> {
    const { store, clock, ids, limits } = this.#options;
    const { agentId, minutes } = request;
    const nowMs = clock.now();
    this.#checkRoom(principal, await store.active(nowMs));
    await store.keepNewest(principal.keyId, MAX_KEPT_PER_KEY);
    const capture = {
      id: ids.next(),
      agentId: agentId ?? null,
      keyId,
      starterKeyId: principal.keyId,
      startedBy: principal.name,
      startedAtMs: nowMs,
      endsAtMs: nowMs + minutes * MINUTE_MS,
      maxFrames: Math.min(request.maxFrames ?? limits.maxFrames, limits.maxFrames),
    };
    await store.insert(capture);
    const record = { ...capture, endedAtMs: null, endedWhy: null, frames: 0, bytes: 0 };
    this.#setRunning([...this.#running, record]);
    return record;
  }

  #checkRoom(principal: Principal, active: readonly CaptureRecord[]): void {
    const { limits, metrics } = this.#options;
    const refuse = (key: 'maxActive' | 'maxActivePerKey', whose: string): never => {
      const limit = `captures.${key}`;
      metrics.limitReached(limit);
      throw new AppError(
        'LIMIT_EXCEEDED',
        `As many captures ${whose} as may (${limit} is ${limits[key]}); stop one first`,
        {
          metadata: { limit },
        },
      );
    };
    if (active.length >= limits.maxActive) refuse('maxActive', 'run');
    if (principal.scopes.has('admin')) return;
    const own = active.filter(({ starterKeyId }) => starterKeyId === principal.keyId);
    if (own.length >= limits.maxActivePerKey) refuse('maxActivePerKey', 'of this key run');
  }

  /** Newest first: all for the admin, else those that were started with the caller's key. */
  async list(principal: Principal): Promise<readonly CaptureRecord[]> {
    authorize(principal, 'capture.read', { kind: 'server' });
    await this.tick();
    const isAdmin = principal.scopes.has('admin');
    if (!isAdmin && principal.keyId === null) return [];
    const records = await this.#options.store.list(MAX_LISTED, isAdmin ? undefined : (principal.keyId ?? undefined));
    return records.filter((record) => isSeen(principal, record));
  }

  /** Throws NOT_FOUND, also for what may not be seen. */
  async find(principal: Principal, id: string): Promise<CaptureRecord> {
    authorize(principal, 'capture.read', { kind: 'server' });
    await this.tick();
    return this.#find(principal, id);
  }

  async #find(principal: Principal, id: string): Promise<CaptureRecord> {
    const record = await this.#options.store.find(id);
    if (record !== null && isSeen(principal, record)) return record;
    throw new AppError('NOT_FOUND', `There is no capture ${id}`);
  }

  /** A capture that runs ends, and its frames stay; one that is over is forgotten with its frames. */
  async end(principal: Principal, id: string): Promise<void> {
    const { store, clock, logger } = this.#options;
    authorize(principal, 'capture.write', { kind: 'server' });
    const record = await this.#find(principal, id);
    await this.tick();
    if (await store.end(id, 'stopped', clock.now())) this.#ended(record, 'stopped', principal.name);
    else {
      await store.remove(id);
      logger.info({ audit: 'capture-removed', by: principal.name, captureId: id }, 'capture removed');
    }
    this.#setRunning(this.#running.filter((running) => running.id !== id));
  }

  async framesOfCapture(
    principal: Principal,
    id: string,
    after: number,
    limit: number,
  ): Promise<readonly StoredFrame[]> {
    await this.find(principal, id);
    // The key may have had more agents when the capture ran.
    const agentIds = principal.agents === null ? null : [...principal.agents];
    return this.#options.store.framesOfCapture(id, after, limit, agentIds);
  }

  /** Of calls of the owner of the task. Whoever calls it has found the task before. */
  async framesOfTask(
    task: { readonly id: string; readonly ownerId: string },
    after: number,
    limit: number,
  ): Promise<readonly StoredFrame[]> {
    if (this.#waiting.length > 0) await this.tick();
    return this.#options.store.framesOfTask(task.id, task.ownerId, after, limit);
  }

  /** One round at a time. Never rejects: what fails is logged, and the next round tries again. */
  async tick(): Promise<void> {
    // What has come since the round under way began must be stored when this returns.
    while (this.#tick !== null) await this.#tick;
    this.#tick = this.#round();
    await this.#tick;
    this.#tick = null;
  }

  async #round(): Promise<void> {
    const { store, clock, limits, isShared, logger } = this.#options;
    try {
      await this.#flush();
      const nowMs = clock.now();
      const isDue = this.#running.some(({ endsAtMs }) => endsAtMs <= nowMs);
      if (isDue) for (const record of await store.endDue(nowMs)) this.#ended(record, 'time', null);
      if (isShared || isDue) await this.#look();
      if (this.#ticks++ % PRUNE_EVERY_TICKS === 0) await store.prune(nowMs - limits.keepMs);
      this.#isFailing = false;
    } catch (err) {
      // Once, not each second that a database is away.
      if (!this.#isFailing) logger.error({ err }, 'captures could not be kept up');
      this.#isFailing = true;
    }
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#options;
    this.#setRunning(await store.active(clock.now()));
  }

  #setRunning(running: readonly CaptureRecord[]): void {
    this.#running = running;
    this.isActive = running.length > 0;
  }

  #keep(wantedBy: readonly string[], frames: readonly CapturedFrame[]): void {
    // A stream may go on for days after the last capture of it.
    const captureIds = wantedBy.filter((wanted) => this.#running.some(({ id }) => id === wanted));
    if (captureIds.length === 0) return;
    for (const frame of frames) {
      if (this.#waitingChars > MAX_WAITING_CHARS) {
        this.#options.metrics.framesLost(1);
        continue;
      }
      this.#waiting.push({ captureIds, frame });
      this.#waitingChars += charsOf(frame);
    }
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { store, clock, limits, metrics } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    const byCapture = new Map<string, CapturedFrame[]>();
    for (const { captureIds, frame } of waiting) {
      for (const id of captureIds) {
        const frames = byCapture.get(id);
        if (frames === undefined) byCapture.set(id, [frame]);
        else frames.push(frame);
      }
    }
    let isFull = false;
    try {
      for (const [id, frames] of byCapture) {
        const nowMs = clock.now();
        if (await store.addFrames(id, frames, nowMs)) {
          metrics.framesStored(frames.length);
          continue;
        }
        isFull = true;
        const record = await store.find(id);
        if (record?.endedWhy !== 'full' || record.endedAtMs !== nowMs) continue;
        metrics.limitReached('captures.maxFrames');
        this.#ended(record, 'full', null);
      }
    } catch (error) {
      metrics.framesLost(waiting.length);
      throw error;
    }
    const ended = await store.makeRoom(limits.maxBytes, clock.now());
    for (const record of ended) {
      metrics.limitReached('captures.maxBytes');
      this.#ended(record, 'full', null);
    }
    if (isFull || ended.length > 0) await this.#look();
  }

  #ended({ id, agentId, keyId }: CaptureRecord, why: string, by: string | null): void {
    const about = { captureId: id, agentId, capturedKeyId: keyId };
    this.#options.logger.info({ audit: 'capture-ended', by, why, ...about }, 'capture ended');
  }
}

function charsOf({ line, headers, body }: CapturedFrame): number {
  return headers.reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    FRAME_CHARS + line.length + body.length,
  );
}

/** Who is no admin captures the calls of the own key, whatever else it may see. */
function keyToCapture(principal: Principal, asked: string | undefined): string | null {
  if (principal.scopes.has('admin')) return asked ?? null;
  if (asked === undefined || asked === principal.keyId) return principal.keyId;
  throw new AppError('PERMISSION_DENIED', 'Only a key with the scope admin may capture the calls of others', {
    metadata: { scope: 'admin', action: 'capture.write' },
  });
}

function isSeen(principal: Principal, { keyId, starterKeyId }: CaptureRecord): boolean {
  if (principal.scopes.has('admin')) return true;
  return principal.keyId !== null && starterKeyId === principal.keyId && keyId === principal.keyId;
}
