/** The credential that a request carries, whatever it came by. */

/** The headers, or the metadata, that may hold one. */
export interface CredentialHeaders {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | string[] | undefined;
}

/**
 * `Authorization: Bearer KEY`, else `x-api-key: KEY`; undefined: none. Another scheme is a credential all the same, and
 * not a valid one: it becomes the empty text.
 */
export function credentialOf(headers: CredentialHeaders): string | undefined {
  if (headers.authorization !== undefined) return /^bearer +(\S+)$/i.exec(headers.authorization)?.[1] ?? '';
  const key = headers['x-api-key'];
  return Array.isArray(key) ? key[0] : key;
}
