/** Cursors of ListTasks: the position of the last task of a page, so that later changes move no one else's page. */
import { AppError } from '../../protocol/errors.ts';

export interface PagePosition {
  readonly statusAtMs: number;
  readonly id: string;
}

export function encodePageToken(head: PagePosition): string {
  return Buffer.from(`${head.statusAtMs}:${head.id}`).toString('base64url');
}

/** Absent and empty mean the first page. Throws INVALID_PARAMS for what this server did not make. */
export function decodePageToken(token: string | undefined): PagePosition | undefined {
  if (token === undefined || token === '') return undefined;
  const match = /^(\d{1,15}):([0-9a-f-]{36})$/.exec(Buffer.from(token, 'base64url').toString());
  const [, statusAtMs, id] = match ?? [];
  if (statusAtMs === undefined || id === undefined) {
    throw new AppError('INVALID_PARAMS', 'Invalid parameters: pageToken: is not a token of this server', {
      violations: [{ field: 'pageToken', description: 'is not a token of this server' }],
    });
  }
  return { statusAtMs: Number(statusAtMs), id };
}
