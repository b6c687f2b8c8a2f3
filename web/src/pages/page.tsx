/** The body of a page that scrolls as a whole, with its heading. */
import type { ReactNode } from 'react';

interface PageProps {
  readonly title: string;
  /** Shown in place of the title, which the top bar says already. */
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly isWide?: boolean;
}

export function Page({ title, lead, actions, children, isWide = false }: PageProps) {
  return (
    // What scrolls must be reachable by the keyboard
    <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={0} role="region" aria-label={title}>
      <div className={`@container mx-auto w-full px-3 py-4 md:px-6 ${isWide ? 'max-w-[130rem]' : 'max-w-5xl'}`}>
        <div className="mb-4 flex min-h-7 flex-wrap items-center justify-between gap-2">
          <h1 className={lead === undefined ? 'text-lg font-semibold' : 'sr-only'}>{title}</h1>
          {lead !== undefined && <div className="text-quiet">{lead}</div>}
          {actions}
        </div>
        {children}
      </div>
    </div>
  );
}

export function Section(props: { title: ReactNode; aside?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`min-w-0 ${props.className ?? ''}`}>
      <div className="mb-1 flex min-h-7 flex-wrap items-center justify-between gap-2">
        <h2 className="font-semibold">{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}
