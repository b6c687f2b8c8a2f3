/** Entity tags of what changes seldom and is asked for often (RFC 9110 sections 8.8.3 and 13.1.2). */
import { hash } from 'node:crypto';

/** A strong tag: equal for equal bodies. */
export function etagOf(body: string): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 22)}"`;
}

/** Whether an If-None-Match header names this tag. Compared weakly, as that header wants it. */
export function namesTag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
