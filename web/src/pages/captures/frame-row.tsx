/** One frame: a line that opens to what it holds. */
import { ArrowDownLeft, ArrowUpRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { Code, pretty } from '../../components/code.tsx';
import { gistOf } from '../../lib/frames.ts';

export interface ShownFrame {
  readonly seq: number | null;
  readonly direction: 'in' | 'out';
  readonly kind: string;
  readonly line: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

interface Props {
  readonly frame: ShownFrame;
  readonly isSelected?: boolean;
  readonly onOpen?: () => void;
  /** At the end of the line. */
  readonly note?: ReactNode;
  /** Below what it holds. */
  readonly remark?: ReactNode;
}

export function FrameRow({ frame, isSelected = false, onOpen, note, remark }: Props) {
  const { direction, kind, line, headers, body, seq } = frame;
  const Icon = direction === 'in' ? ArrowDownLeft : ArrowUpRight;
  const head = [line, ...headers.map(([name, value]) => `${name}: ${value}`)].filter((text) => text !== '').join('\n');
  return (
    <li className="border-b border-line [contain-intrinsic-size:auto_30px] [content-visibility:auto]">
      <details onToggle={({ currentTarget, nativeEvent }) => currentTarget.open && nativeEvent.isTrusted && onOpen?.()}>
        <summary
          className={`flex h-[30px] list-none items-center gap-2 px-1 hover:bg-hover ${isSelected ? 'bg-selected' : ''}`}
        >
          <Icon
            aria-label={direction === 'in' ? 'to the server' : 'from the server'}
            className="size-3.5 shrink-0 text-quiet"
          />
          <span className="w-16 shrink-0 text-quiet">{kind}</span>
          {seq !== null && <span className="shrink-0 font-mono text-xs text-quiet">#{seq}</span>}
          <span className="min-w-0 flex-1 truncate font-mono text-xs">
            {body !== '' && gistOf(body)}
            {line !== '' && <span className={body === '' ? '' : 'pl-2 text-quiet'}>{line}</span>}
          </span>
          {note}
        </summary>
        <div className="grid grid-cols-[minmax(0,1fr)] gap-2 py-2">
          {head !== '' && <Code text={head} label="head" />}
          {body !== '' && <Code text={bodyOf(body)} label="body" className="max-h-96" />}
          {remark}
        </div>
      </details>
    </li>
  );
}

/** The JSON of an event indented, its other lines as they are. */
function bodyOf(body: string): string {
  if (!/^(id|event|data):/m.test(body)) return pretty(body);
  return body.replace(/^data: ?(.*)$/gm, (_line, data: string) => `data: ${pretty(data)}`);
}
