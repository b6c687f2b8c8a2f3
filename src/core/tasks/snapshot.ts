/** A Task as 1.0 JSON text, put together from its head and the content rows of its log, mostly without parsing. */
import type { Artifact } from '../../protocol/v1/types.ts';
import { contentOf, type LogRow } from './log.ts';
import type { TaskView } from './store.ts';

export interface SnapshotOptions {
  /** At most so many of the latest messages; `undefined` all, 0 none (A2A 1.0 section 3.2.4). */
  readonly historyLength: number | undefined;
  readonly artifacts: boolean;
}

/**
 * @param rows content rows of the task in ascending `seq`; rows of other kinds are passed over.
 * @returns the Task; `artifacts` is left out where it is empty or not asked for, `history` where it is empty.
 */
export function snapshotJson(head: TaskView, rows: readonly LogRow[], options: SnapshotOptions): string {
  let json = `{"id":"${head.id}","contextId":${JSON.stringify(head.contextId)},"status":${head.status}`;
  if (options.artifacts) {
    const artifacts = artifactsJson(rows);
    if (artifacts !== '') json += `,"artifacts":[${artifacts}]`;
  }
  if (options.historyLength !== 0) {
    const history = historyOf(rows, options.historyLength);
    if (history.length > 0) json += `,"history":[${history.join(',')}]`;
  }
  return `${json}}`;
}

/** The messages of the rows in order: the user's before the answer that it caused. */
function historyOf(rows: readonly LogRow[], limit: number | undefined): string[] {
  const messages: string[] = [];
  for (const row of rows) {
    if (row.content !== 'message') continue;
    if (row.userMessage !== null) messages.push(row.userMessage);
    if (row.contentEnd > 0) messages.push(contentOf(row));
  }
  return limit === undefined || messages.length <= limit ? messages : messages.slice(messages.length - limit);
}

/** Chunks of one artifact are joined in the order of the log; a chunk that does not append replaces what was there. */
function artifactsJson(rows: readonly LogRow[]): string {
  const chunksById = new Map<string, LogRow[]>();
  for (const row of rows) {
    if (row.content !== 'artifact' || row.artifactId === null) continue;
    const chunks = chunksById.get(row.artifactId);
    if (chunks === undefined) chunksById.set(row.artifactId, [row]);
    else if (row.append) chunks.push(row);
    else chunks.splice(0, chunks.length, row);
  }
  const texts: string[] = [];
  for (const chunks of chunksById.values()) {
    const [only] = chunks;
    if (only !== undefined && chunks.length === 1) texts.push(contentOf(only));
    else texts.push(JSON.stringify(joinChunks(chunks)));
  }
  return texts.join(',');
}

/** Parts are appended; a later chunk's name, description, metadata and extensions win where it has them. */
function joinChunks(chunks: readonly LogRow[]): Artifact {
  let whole: Artifact | undefined;
  for (const row of chunks) {
    // Parley's own text, written by artifactRow.
    const chunk = JSON.parse(contentOf(row)) as Artifact;
    if (whole === undefined) whole = chunk;
    else whole = { ...whole, ...chunk, parts: pushAll(whole.parts, chunk.parts) };
  }
  return whole ?? { artifactId: '', parts: [] };
}

function pushAll<T>(into: T[], more: readonly T[]): T[] {
  for (const item of more) into.push(item);
  return into;
}
