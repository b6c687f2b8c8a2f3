/** Files that come in parts, and how they are shown: never as a page of this origin. */
import type { Part } from '../../../src/protocol/v1/types.ts';

/** Images that cannot hold a script. SVG is not among them: it is shown as text and saved. */
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']);
const TEXTS = /^(text\/|application\/(json|xml|yaml|x-yaml|javascript|sql)\b|.*\+(json|xml)\b)/;
const MAX_PREVIEW_CHARS = 20_000;

const typeOf = (part: Part) => (part.mediaType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

export function sizeOf(part: Part): number {
  if (part.raw !== undefined) return Math.floor((part.raw.replace(/=+$/, '').length * 3) / 4);
  return new TextEncoder().encode(part.text ?? JSON.stringify(part.data) ?? '').length;
}

/** For `img`; null where it is no image that is safe to show. */
export function imageUrl(part: Part): string | null {
  const type = typeOf(part);
  return part.raw !== undefined && IMAGES.has(type) ? `data:${type};base64,${part.raw}` : null;
}

/** The beginning of a file of text; null where it is none. */
export function textPreview(part: Part): string | null {
  if (part.raw === undefined || !TEXTS.test(typeOf(part))) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(part.raw));
    return text.length > MAX_PREVIEW_CHARS ? `${text.slice(0, MAX_PREVIEW_CHARS)}\n…` : text;
  } catch {
    return null;
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const standard = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(standard, (character) => character.charCodeAt(0));
}

/** Saves a part as a file. Its type is "bytes" whatever it says of itself, so that no browser opens it as a page. */
export function savePart(part: Part, fallbackName: string): void {
  const content = part.raw === undefined ? (part.text ?? JSON.stringify(part.data, null, 2)) : bytesOf(part.raw);
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = safeName(part.filename ?? fallbackName);
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Without folders and control characters. */
function safeName(name: string): string {
  return name.replace(/[/\\\p{Cc}]/gu, '_').slice(0, 200) || 'file';
}

/** A file as a part; base64 by the browser's own reader. */
export function partOfFile(file: File): Promise<Part> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(new Error(`${file.name} could not be read`));
    reader.onload = () => {
      const [, raw = ''] = (typeof reader.result === 'string' ? reader.result : '').split(',', 2);
      resolve({ raw, filename: file.name, mediaType: file.type === '' ? 'application/octet-stream' : file.type });
    };
    reader.readAsDataURL(file);
  });
}

/** Only addresses of the web are links. */
export function webUrl(url: string): string | null {
  try {
    return /^https?:$/.test(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}
