/** Commands that do over A2A what the console does: to copy, to send to a colleague. */

import type { Part } from '../../../src/protocol/v1/types.ts';
import { newId } from './ids.ts';

interface Send {
  /** Of the agent. */
  readonly url: string;
  readonly parts: readonly Part[];
  readonly version: '1.0' | '0.3';
  readonly contextId?: string;
  /** The answer comes as it is made. */
  readonly isStreaming?: boolean;
}

/** For a POSIX shell: inside single quotes only the quote itself has to be said otherwise. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function curlOf({ url, parts, version, contextId, isStreaming = false }: Send): string {
  const isNew = version === '1.0';
  const method = isNew
    ? isStreaming
      ? 'SendStreamingMessage'
      : 'SendMessage'
    : isStreaming
      ? 'message/stream'
      : 'message/send';
  const message = {
    ...(!isNew && { kind: 'message' }),
    messageId: newId(),
    role: isNew ? 'ROLE_USER' : 'user',
    ...(contextId !== undefined && { contextId }),
    parts: isNew ? parts : parts.map(oldPart),
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { message } });
  return [
    `curl -sS${isStreaming ? 'N' : ''} ${quote(url)} \\`,
    '  -H "Authorization: Bearer $KEY" \\',
    `  -H 'A2A-Version: ${version}' -H 'Content-Type: application/json' \\`,
    `  -d ${quote(body)}`,
  ].join('\n');
}

/** A part in its 0.3 form. */
function oldPart(part: Part): object {
  const metadata = part.metadata === undefined ? {} : { metadata: part.metadata };
  if (part.text !== undefined) return { kind: 'text', text: part.text, ...metadata };
  if (part.data !== undefined) return { kind: 'data', data: part.data, ...metadata };
  const named = {
    ...(part.filename !== undefined && { name: part.filename }),
    ...(part.mediaType !== undefined && { mimeType: part.mediaType }),
  };
  return {
    kind: 'file',
    file: { ...(part.raw === undefined ? { uri: part.url } : { bytes: part.raw }), ...named },
    ...metadata,
  };
}
