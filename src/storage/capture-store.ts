/** Captures and their frames in SQL, for both databases. */
import type {
  CapturedFrame,
  CaptureEnd,
  CaptureRecord,
  CaptureStore,
  NewCapture,
  StoredFrame,
} from '../core/captures/capture-store.ts';
import type { Sql, SqlValue } from './sql.ts';

interface CaptureRow {
  readonly id: string;
  readonly agent_id: string | null;
  readonly key_id: string | null;
  readonly starter_key_id: string | null;
  readonly started_by: string;
  readonly started_at: number | string;
  readonly ends_at: number | string;
  readonly ended_at: number | string | null;
  readonly ended_why: CaptureEnd | null;
  readonly max_frames: number;
  readonly frames: number;
  readonly bytes: number | string;
}

interface FrameRow {
  readonly num: number | string;
  readonly capture_id: string;
  readonly exchange_id: string;
  readonly n: number;
  readonly task_id: string | null;
  readonly owner_id: string;
  readonly agent_id: string;
  readonly key_id: string | null;
  readonly at: number | string;
  readonly direction: StoredFrame['direction'];
  readonly kind: StoredFrame['kind'];
  readonly transport: StoredFrame['transport'];
  readonly version: string | null;
  readonly seq: number | null;
  readonly line: string;
  readonly headers: string;
  readonly body: string;
  readonly body_bytes: number;
  readonly is_cut: number;
  readonly is_decoded: number;
}

const FRAME_COLUMNS =
  'capture_id exchange_id n task_id owner_id agent_id key_id at direction kind transport version seq line headers body body_bytes is_cut is_decoded'.split(
    ' ',
  );
/** Rows of one insert: databases bound the number of parameters. */
const INSERT_ROWS = 100;

export class SqlCaptureStore implements CaptureStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async insert(capture: NewCapture): Promise<void> {
    await this.#sql.query(
      `insert into captures (id, agent_id, key_id, starter_key_id, started_by, started_at, ends_at, max_frames)
        values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        capture.id,
        capture.agentId,
        capture.keyId,
        capture.starterKeyId,
        capture.startedBy,
        capture.startedAtMs,
        capture.endsAtMs,
        capture.maxFrames,
      ],
    );
  }

  async find(id: string): Promise<CaptureRecord | null> {
    const [row] = await this.#sql.query<CaptureRow>('select * from captures where id = $1', [id]);
    return row === undefined ? null : captureOf(row);
  }

  async active(nowMs: number): Promise<readonly CaptureRecord[]> {
    const rows = await this.#sql.query<CaptureRow>(
      'select * from captures where ended_at is null and ends_at > $1 order by started_at, id',
      [nowMs],
    );
    return rows.map(captureOf);
  }

  async list(limit: number, starterKeyId?: string): Promise<readonly CaptureRecord[]> {
    const rows = await this.#sql.query<CaptureRow>(
      `select * from captures ${starterKeyId === undefined ? '' : 'where starter_key_id = $2'}
        order by started_at desc, id desc limit $1`,
      starterKeyId === undefined ? [limit] : [limit, starterKeyId],
    );
    return rows.map(captureOf);
  }

  async end(id: string, why: CaptureEnd, nowMs: number): Promise<boolean> {
    const ended = await this.#sql.query(
      'update captures set ended_at = $2, ended_why = $3 where id = $1 and ended_at is null returning id',
      [id, nowMs, why],
    );
    return ended.length > 0;
  }

  async endDue(nowMs: number): Promise<readonly CaptureRecord[]> {
    const rows = await this.#sql.query<CaptureRow>(
      `update captures set ended_at = ends_at, ended_why = 'time' where ended_at is null and ends_at <= $1 returning *`,
      [nowMs],
    );
    return rows.map(captureOf);
  }

  addFrames(captureId: string, frames: readonly CapturedFrame[], nowMs: number): Promise<boolean> {
    return this.#sql.transaction(async (sql) => {
      // Written first, so that the row is held: replicas store their frames of one capture one after the other.
      const [row] = await sql.query<CaptureRow>('update captures set frames = frames where id = $1 returning *', [
        captureId,
      ]);
      if (row === undefined || row.ended_at !== null) return false;
      const stored = frames.slice(0, Math.max(0, row.max_frames - row.frames));
      for (let from = 0; from < stored.length; from += INSERT_ROWS) {
        const rows = stored.slice(from, from + INSERT_ROWS);
        const places = rows.map((_frame, index) => placesOf(index * FRAME_COLUMNS.length)).join(', ');
        await sql.query(
          `insert into captured_frames (${FRAME_COLUMNS.join(', ')}) values ${places}`,
          rows.flatMap((frame) => valuesOf(captureId, frame)),
        );
      }
      const bytes = stored.reduce((sum, frame) => sum + sizeOf(frame), 0);
      const isFull = row.frames + frames.length >= row.max_frames;
      await sql.query(
        `update captures set frames = frames + $2, bytes = bytes + $3${isFull ? `, ended_at = $4, ended_why = 'full'` : ''}
          where id = $1`,
        [captureId, stored.length, bytes, ...(isFull ? [nowMs] : [])],
      );
      return !isFull;
    });
  }

  makeRoom(maxBytes: number, nowMs: number): Promise<readonly CaptureRecord[]> {
    return this.#sql.transaction(async (sql) => {
      const rows = await sql.query<CaptureRow>(
        'select * from captures where bytes > 0 or ended_at is null order by started_at, id',
      );
      const byStarter = new Map<string | null, CaptureRow[]>();
      for (const row of rows) byStarter.set(row.starter_key_id, [...(byStarter.get(row.starter_key_id) ?? []), row]);
      const ended: CaptureRecord[] = [];
      let bytes = bytesOf(rows);
      while (bytes > maxBytes) {
        const most = [...byStarter].toSorted(([, a], [, b]) => bytesOf(b) - bytesOf(a))[0];
        if (most === undefined) break;
        const [starter, own] = most;
        const oldest = own.findIndex(({ ended_at }) => ended_at !== null);
        const [over] = oldest === -1 ? [] : own.splice(oldest, 1);
        if (over !== undefined) {
          await removeCapture(sql, over.id);
          bytes -= Number(over.bytes);
          continue;
        }
        // What they have goes with the next call, if it must.
        for (const { id } of own) {
          const end = `update captures set ended_at = $2, ended_why = 'full' where id = $1 and ended_at is null returning *`;
          ended.push(...(await sql.query<CaptureRow>(end, [id, nowMs])).map(captureOf));
        }
        byStarter.delete(starter);
        bytes -= bytesOf(own);
      }
      return ended;
    });
  }

  async framesOfTask(taskId: string, ownerId: string, after: number, limit: number): Promise<readonly StoredFrame[]> {
    const rows = await this.#sql.query<FrameRow>(
      `select f.* from captured_frames f where f.task_id = $1 and f.owner_id = $2 and f.num > $3
        and not exists (select 1 from captured_frames other
          where other.exchange_id = f.exchange_id and other.n = f.n and other.num < f.num)
        order by f.num limit $4`,
      [taskId, ownerId, after, limit],
    );
    return rows.map(frameOf);
  }

  async framesOfCapture(
    id: string,
    after: number,
    limit: number,
    agentIds: readonly string[] | null,
  ): Promise<readonly StoredFrame[]> {
    if (agentIds?.length === 0) return [];
    const places = agentIds?.map((_id, index) => `$${index + 4}`).join(', ');
    const ofAgents = places === undefined ? '' : ` and agent_id in (${places})`;
    const rows = await this.#sql.query<FrameRow>(
      `select * from captured_frames where capture_id = $1 and num > $2${ofAgents} order by num limit $3`,
      [id, after, limit, ...(agentIds ?? [])],
    );
    return rows.map(frameOf);
  }

  prune(endedBeforeMs: number): Promise<void> {
    return this.#sql.transaction(async (sql) => {
      const old = await sql.query<{ id: string }>('select id from captures where coalesce(ended_at, ends_at) < $1', [
        endedBeforeMs,
      ]);
      for (const { id } of old) await removeCapture(sql, id);
    });
  }

  keepNewest(starterKeyId: string | null, count: number): Promise<void> {
    return this.#sql.transaction(async (sql) => {
      const old = await sql.query<{ id: string }>(
        `select id from captures where ended_at is not null and coalesce(starter_key_id, '') = $1
          order by started_at desc, id desc limit 1000 offset $2`,
        [starterKeyId ?? '', count],
      );
      for (const { id } of old) await removeCapture(sql, id);
    });
  }

  remove(id: string): Promise<void> {
    return this.#sql.transaction((sql) => removeCapture(sql, id));
  }
}

function bytesOf(rows: readonly CaptureRow[]): number {
  return rows.reduce((sum, { bytes }) => sum + Number(bytes), 0);
}

async function removeCapture(sql: Pick<Sql, 'query'>, id: string): Promise<void> {
  await sql.query('delete from captured_frames where capture_id = $1', [id]);
  await sql.query('delete from captures where id = $1', [id]);
}

function placesOf(offset: number): string {
  return `(${FRAME_COLUMNS.map((_column, index) => `$${offset + index + 1}`).join(', ')})`;
}

/** In the order of FRAME_COLUMNS. */
function valuesOf(captureId: string, frame: CapturedFrame): SqlValue[] {
  const { exchangeId, n, taskId, ownerId, agentId, keyId, atMs, direction, kind, transport, version, seq } = frame;
  const call = [captureId, exchangeId, n, taskId, ownerId, agentId, keyId, atMs, direction, kind, transport, version];
  const text = [seq, frame.line, JSON.stringify(frame.headers), frame.body, frame.bodyBytes];
  return [...call, ...text, frame.isCut ? 1 : 0, frame.isDecoded ? 1 : 0];
}

/** What a frame costs: its text, and about what its row needs besides. */
function sizeOf({ body, line, headers }: CapturedFrame): number {
  return Buffer.byteLength(body) + line.length + JSON.stringify(headers).length + 200;
}

function captureOf(row: CaptureRow): CaptureRecord {
  return {
    id: row.id,
    agentId: row.agent_id,
    keyId: row.key_id,
    starterKeyId: row.starter_key_id,
    startedBy: row.started_by,
    startedAtMs: Number(row.started_at),
    endsAtMs: Number(row.ends_at),
    endedAtMs: row.ended_at === null ? null : Number(row.ended_at),
    endedWhy: row.ended_why,
    maxFrames: row.max_frames,
    frames: row.frames,
    bytes: Number(row.bytes),
  };
}

function frameOf(row: FrameRow): StoredFrame {
  return {
    num: Number(row.num),
    captureId: row.capture_id,
    exchangeId: row.exchange_id,
    n: row.n,
    taskId: row.task_id,
    ownerId: row.owner_id,
    agentId: row.agent_id,
    keyId: row.key_id,
    atMs: Number(row.at),
    direction: row.direction,
    kind: row.kind,
    transport: row.transport,
    version: row.version,
    seq: row.seq,
    line: row.line,
    headers: JSON.parse(row.headers) as [string, string][],
    body: row.body,
    bodyBytes: row.body_bytes,
    isCut: row.is_cut === 1,
    isDecoded: row.is_decoded === 1,
  };
}
