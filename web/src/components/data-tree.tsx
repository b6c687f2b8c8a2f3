/** JSON as a tree that opens where it is looked at. */
import { type ReactNode, useState } from 'react';

/** More members of one value than these are shown when asked for. */
const MAX_MEMBERS = 100;

export function DataTree({ value, name, depth = 0 }: { value: unknown; name?: string; depth?: number }) {
  const label = name === undefined ? null : <span className="text-quiet">{name}: </span>;
  if (typeof value === 'object' && value !== null) return <Branch value={value} label={label} depth={depth} />;
  return (
    <div className="pl-4 font-mono text-xs break-all whitespace-pre-wrap">
      {label}
      <span className={typeof value === 'string' ? '' : 'font-medium'}>{JSON.stringify(value)}</span>
    </div>
  );
}

/** What is closed is not there at all: others say how deep and how wide their data is. */
function Branch({ value, label, depth }: { value: object; label: ReactNode; depth: number }) {
  const members: (readonly [string, unknown])[] = Object.entries(value);
  const [isOpen, setOpen] = useState(depth < 2 && members.length <= MAX_MEMBERS);
  const [limit, setLimit] = useState(MAX_MEMBERS);
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)} className="font-mono text-xs">
      <summary className="w-fit rounded-sm pr-1 marker:text-quiet hover:bg-hover">
        {label}
        <span className="text-quiet">{Array.isArray(value) ? `[${members.length}]` : `{${members.length}}`}</span>
      </summary>
      {isOpen && (
        <div className="ml-1.5 border-l border-line pl-1">
          {members.slice(0, limit).map(([key, member]) => (
            <DataTree key={key} name={key} value={member} depth={depth + 1} />
          ))}
          {members.length > limit && (
            <button type="button" className="pl-4 text-accent" onClick={() => setLimit(limit * 10)}>
              {members.length - limit} more
            </button>
          )}
        </div>
      )}
    </details>
  );
}
