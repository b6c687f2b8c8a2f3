/** The configuration in force, and where each value comes from. Secrets come masked from the server. */
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { settingsQuery } from '../../api/server.ts';
import { Input } from '../../components/field.tsx';
import { Empty, Failure, Loading } from '../../components/notices.tsx';

export function Configuration() {
  const { data, error, refetch } = useQuery(settingsQuery);
  const [text, setText] = useState('');
  const [isChangedOnly, setChangedOnly] = useState(false);
  if (data === undefined) {
    return error === null ? (
      <Loading />
    ) : (
      <Failure what="Reading the configuration" error={error} onRetry={() => void refetch()} />
    );
  }
  const sought = text.toLowerCase();
  const shown = data.settings.filter(
    ({ key, env, description, source }) =>
      (!isChangedOnly || source !== 'default') && `${key} ${env ?? ''} ${description}`.toLowerCase().includes(sought),
  );
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Input
          type="search"
          aria-label="Search in the configuration"
          placeholder="Key, variable or meaning"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="max-w-80"
        />
        <label className="flex items-center gap-2">
          <input
            type="checkbox"
            checked={isChangedOnly}
            onChange={(event) => setChangedOnly(event.target.checked)}
            className="size-3.5 accent-fill"
          />
          Only what was set
        </label>
        <span className="text-quiet">
          {data.configFile === null ? (
            'No configuration file'
          ) : (
            <code className="font-mono text-xs">{data.configFile}</code>
          )}
        </span>
      </div>
      {shown.length === 0 && <Empty title="No key fits" />}
      <ul className="border-t border-line">
        {shown.map(({ key, value, source, env, description }) => (
          <li key={key} className="grid gap-x-6 border-b border-line py-2 @3xl:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
            <div className="min-w-0">
              <p className="font-mono text-xs break-all">
                {key}
                {env !== null && <span className="text-quiet"> · {env}</span>}
              </p>
              <p className="text-xs text-quiet">{withCode(description)}</p>
            </div>
            <div className="min-w-0">
              <p className="font-mono text-xs break-all">
                {value === null ? <span className="text-quiet">not set</span> : show(value)}
              </p>
              <p className={`text-xs ${source === 'default' ? 'text-quiet' : 'text-accent'}`}>{source}</p>
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What stands between backquotes is code. */
function withCode(text: string): ReactNode[] {
  return text.split('`').map((piece, index) =>
    index % 2 === 0 ? (
      piece
    ) : (
      // The pieces of one text never move
      <code key={index} className="font-mono text-ink">
        {piece}
      </code>
    ),
  );
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
