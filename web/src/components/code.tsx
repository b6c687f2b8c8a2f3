/** Text as it is: code, JSON, frames. */
import { CopyButton } from './copy.tsx';

export function Code({ text, label, className = '' }: { text: string; label: string; className?: string }) {
  return (
    <div className="group relative min-w-0 rounded-md border border-line bg-sunk">
      {/* What scrolls must be reachable by the keyboard */}
      <pre tabIndex={0} className={`overflow-auto p-3 pr-10 font-mono text-xs leading-5 ${className}`}>
        {text}
      </pre>
      <CopyButton text={text} label={label} className="absolute top-1.5 right-1.5 bg-sunk" />
    </div>
  );
}

/** Indented where it is JSON, else as it came. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
