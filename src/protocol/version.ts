/** Which protocol version a request speaks, and the codec for it (A2A 1.0 section 3.6). */
import type { Codec, ProtocolVersion } from './codec.ts';
import { AppError } from './errors.ts';
import type { JsonObject } from './json.ts';
import { codecV03, codecV03Rest } from './v0_3/codec.ts';
import { codecV1 } from './v1/codec.ts';
import type { AgentCard } from './v1/types.ts';

/** The versions that Parley speaks, newest first. */
export const SUPPORTED_VERSIONS: readonly ProtocolVersion[] = ['1.0', '0.3'];

/** The bindings that have JSON; in 0.3 theirs differ. */
export type JsonBinding = 'JSONRPC' | 'HTTP+JSON';

/**
 * The version of a request by its `A2A-Version` header, else by the query parameter of that name, else 0.3, which is
 * what an absent or empty value means. A patch number does not count.
 *
 * @throws AppError VERSION_NOT_SUPPORTED, naming the supported ones, for anything else (`1`, `v1.0`, `2.0`, `1.1`, ...).
 */
export function negotiateVersion(header: string | undefined, query: string | undefined): ProtocolVersion {
  const asked = header?.trim() || query?.trim() || '0.3';
  const version = SUPPORTED_VERSIONS.find((supported) => isVersion(asked, supported));
  if (version !== undefined) return version;
  const shown = JSON.stringify(asked.length > 40 ? `${asked.slice(0, 40)}...` : asked);
  const supportedVersions = SUPPORTED_VERSIONS.join(', ');
  throw new AppError(
    'VERSION_NOT_SUPPORTED',
    `A2A version ${shown} is not supported; supported versions: ${supportedVersions}`,
    { metadata: { supportedVersions } },
  );
}

/** Major.Minor, or Major.Minor.Patch with a patch of up to six digits. */
function isVersion(asked: string, supported: ProtocolVersion): boolean {
  if (asked === supported) return true;
  return asked.startsWith(`${supported}.`) && /^\d{1,6}$/.test(asked.slice(supported.length + 1));
}

/** The codec of a version for a binding. */
export function codecFor(version: ProtocolVersion, binding: JsonBinding = 'JSONRPC'): Codec {
  if (version === '1.0') return codecV1;
  return binding === 'HTTP+JSON' ? codecV03Rest : codecV03;
}

/** A card in each form in which it may be sent, its 1.0 form first. */
export function encodedCards(card: AgentCard): readonly JsonObject[] {
  return [codecV1, codecV03, codecV03Rest].map((codec) => JSON.parse(codec.encodeCard(card)) as JsonObject);
}

/** METHOD_NOT_FOUND; where the method is one of the other version, the message names the header that selects it. */
export function methodNotFound(method: string, codec: Codec): AppError {
  const shown = JSON.stringify(method.length > 80 ? `${method.slice(0, 80)}...` : method);
  const other = SUPPORTED_VERSIONS.find(
    (version) => version !== codec.version && codecFor(version).methods.has(method),
  );
  if (other === undefined) {
    return new AppError('METHOD_NOT_FOUND', `Method not found: ${shown} is no method of A2A ${codec.version}`);
  }
  return new AppError(
    'METHOD_NOT_FOUND',
    `Method not found: ${shown} is a method of A2A ${other}, and this request speaks ${codec.version}; ` +
      `send the header A2A-Version: ${other}`,
    { metadata: { requestedVersion: codec.version, methodVersion: other } },
  );
}
