/** The parts of a message or an artifact: text, files, data. */
import { Download, File as FileIcon, Link2 } from 'lucide-react';
import { lazy, Suspense, useMemo } from 'react';
import type { Part } from '../../../src/protocol/v1/types.ts';
import { imageUrl, savePart, sizeOf, textPreview, webUrl } from '../lib/files.ts';
import { formatBytes } from '../lib/format.ts';
import { IconButton } from './button.tsx';
import { DataTree } from './data-tree.tsx';

const MarkdownText = lazy(async () => ({ default: (await import('./markdown.tsx')).MarkdownText }));
/** Beyond this, laying it out as markdown takes longer than anybody waits. */
const MAX_MARKDOWN_CHARS = 100_000;

/** Chunks of one text come as parts of their own; they are read as one. */
function joined(parts: readonly Part[]): readonly Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    const isContinued = last?.text !== undefined && part.text !== undefined && last.mediaType === part.mediaType;
    if (isContinued) result[result.length - 1] = { ...last, text: `${last.text}${part.text}` };
    else result.push(part);
  }
  return result;
}

export function Parts({ parts, isMarkdown }: { parts: readonly Part[]; isMarkdown: boolean }) {
  return (
    <div className="grid min-w-0 gap-2">
      {joined(parts).map((part, index) => (
        // Parts have no ids, and are only ever added at the end
        <PartView key={index} part={part} isMarkdown={isMarkdown} />
      ))}
    </div>
  );
}

function PartView({ part, isMarkdown }: { part: Part; isMarkdown: boolean }) {
  if (part.text !== undefined)
    return <TextPart text={part.text} isMarkdown={isMarkdown && part.mediaType !== 'text/plain'} />;
  if (part.data !== undefined) {
    return (
      <div className="rounded-md border border-line bg-sunk p-2">
        <DataTree value={part.data} />
      </div>
    );
  }
  return <FilePart part={part} />;
}

function TextPart({ text, isMarkdown }: { text: string; isMarkdown: boolean }) {
  const plain = <p className="min-w-0 break-words whitespace-pre-wrap">{text}</p>;
  if (!isMarkdown || text.length > MAX_MARKDOWN_CHARS) return plain;
  return (
    <Suspense fallback={plain}>
      <MarkdownText text={text} />
    </Suspense>
  );
}

function FilePart({ part }: { part: Part }) {
  const name = part.filename ?? part.url ?? 'file';
  const link = part.url === undefined ? null : webUrl(part.url);
  // Decoding takes its time, and the conversation is drawn anew with each event.
  const image = useMemo(() => imageUrl(part), [part]);
  const text = useMemo(() => textPreview(part), [part]);
  const Icon = part.url === undefined ? FileIcon : Link2;
  return (
    <figure className="min-w-0 overflow-hidden rounded-md border border-line">
      <figcaption className="flex items-center gap-2 py-1 pr-1 pl-2.5">
        <Icon className="size-3.5 shrink-0 text-quiet" />
        {link === null ? (
          <span className="truncate font-mono text-xs">{name}</span>
        ) : (
          <a
            href={link}
            target="_blank"
            rel="noopener noreferrer nofollow"
            className="truncate font-mono text-xs text-accent underline underline-offset-3"
          >
            {name}
          </a>
        )}
        <span className="ml-auto text-xs whitespace-nowrap text-quiet">
          {part.mediaType ?? 'unknown type'}
          {part.raw !== undefined && ` · ${formatBytes(sizeOf(part))}`}
        </span>
        {part.raw !== undefined && (
          <IconButton label={`Save ${name}`} className="size-6!" onClick={() => savePart(part, 'file')}>
            <Download className="size-3.5" />
          </IconButton>
        )}
      </figcaption>
      {image !== null && (
        <img src={image} alt={name} className="max-h-96 border-t border-line bg-sunk object-contain" />
      )}
      {text !== null && (
        // What scrolls must be reachable by the keyboard
        <pre tabIndex={0} className="max-h-72 overflow-auto border-t border-line bg-sunk p-2.5 font-mono text-xs">
          {text}
        </pre>
      )}
    </figure>
  );
}
