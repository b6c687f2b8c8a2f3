/** What came out of a task, as it is now. */
import { Download } from 'lucide-react';
import type { Artifact } from '../../../../src/protocol/v1/types.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy.tsx';
import { Empty } from '../../components/notices.tsx';
import { Parts } from '../../components/parts.tsx';
import { savePart, sizeOf } from '../../lib/files.ts';
import { formatBytes, plural } from '../../lib/format.ts';

export function Artifacts({ artifacts }: { artifacts: readonly Artifact[] }) {
  if (artifacts.length === 0) return <Empty title="No artifacts">The agent has sent none so far.</Empty>;
  return (
    <div className="mx-auto grid max-w-3xl gap-6 px-3 py-4 md:px-5">
      {artifacts.map((artifact) => {
        const { artifactId, name, description, parts } = artifact;
        const size = parts.reduce((sum, part) => sum + sizeOf(part), 0);
        return (
          <section key={artifactId} aria-label={name ?? artifactId} className="grid gap-2">
            <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <h2 className="font-semibold">{name ?? artifactId}</h2>
              <span className="text-xs text-quiet">
                {plural(parts.length, 'part')} · {formatBytes(size)}
              </span>
              <span className="ml-auto flex items-center gap-1">
                <CopyButton text={JSON.stringify(artifact, null, 2)} label="artifact as JSON" />
                <Button onClick={() => saveAll(artifact)}>
                  <Download className="size-3.5" />
                  Save
                </Button>
              </span>
            </div>
            {description !== undefined && <p className="text-quiet">{description}</p>}
            <Parts parts={parts} isMarkdown />
          </section>
        );
      })}
    </div>
  );
}

/** One file where it is one text or one file; else everything as JSON. */
function saveAll({ artifactId, name, parts, ...rest }: Artifact): void {
  const [first] = parts;
  const base = name ?? artifactId;
  const text = parts.every((part) => part.text !== undefined) ? parts.map((part) => part.text).join('') : null;
  if (text !== null) savePart({ text }, base.includes('.') ? base : `${base}.txt`);
  else if (parts.length === 1 && first !== undefined && first.url === undefined) {
    savePart(first, first.data === undefined ? base : `${base}.json`);
  } else savePart({ text: JSON.stringify({ artifactId, name, parts, ...rest }, null, 2) }, `${base}.json`);
}
