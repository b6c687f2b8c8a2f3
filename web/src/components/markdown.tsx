/**
 * Markdown that others have written. No HTML in it is ever rendered; links say where they lead and open elsewhere; images
 * of other servers are not loaded, for loading one tells them who looks.
 */
import Markdown, { type Components } from 'react-markdown';
import gfm from 'remark-gfm';
import { Code } from './code.tsx';

const components: Components = {
  a: ({ href, children }) => (
    <a
      href={href}
      title={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="text-accent underline underline-offset-3"
    >
      {children}
    </a>
  ),
  img: ({ src, alt }) => (
    <a
      href={String(src ?? '')}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="text-accent underline underline-offset-3"
    >
      image{alt === undefined || alt === '' ? '' : `: ${alt}`}
    </a>
  ),
  pre: ({ node }) => {
    const [code] = node?.children ?? [];
    const texts = code !== undefined && 'children' in code ? code.children : [];
    const text = texts.map((child) => ('value' in child ? child.value : '')).join('');
    return <Code text={text.replace(/\n$/, '')} label="code" />;
  },
  table: ({ children }) => (
    // What scrolls must be reachable by the keyboard
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Table">
      <table className="text-sm [&_td]:border-b [&_td]:border-line [&_td]:py-1 [&_td]:pr-4 [&_th]:border-b [&_th]:border-line [&_th]:py-1 [&_th]:pr-4 [&_th]:text-left">
        {children}
      </table>
    </div>
  ),
  // Headings of others are no headings of this page.
  h1: ({ children }) => <p className="text-lg font-semibold">{children}</p>,
  h2: ({ children }) => <p className="text-base font-semibold">{children}</p>,
  h3: ({ children }) => <p className="font-semibold">{children}</p>,
  h4: ({ children }) => <p className="font-semibold">{children}</p>,
  h5: ({ children }) => <p className="font-semibold">{children}</p>,
  h6: ({ children }) => <p className="font-semibold">{children}</p>,
  input: ({ checked }) => <span aria-hidden="true">{checked === true ? '☑ ' : '☐ '}</span>,
};

export function MarkdownText({ text }: { text: string }) {
  return (
    <div className="grid min-w-0 gap-2.5 break-words [&_blockquote]:border-l-2 [&_blockquote]:border-line [&_blockquote]:pl-3 [&_blockquote]:text-quiet [&_code]:font-mono [&_code]:text-[0.92em] [&_hr]:border-line [&_li]:my-0.5 [&_ol]:list-decimal [&_ol]:pl-5 [&_p>code]:rounded-sm [&_p>code]:bg-sunk [&_p>code]:px-1 [&_ul]:list-disc [&_ul]:pl-5">
      <Markdown remarkPlugins={[gfm]} components={components}>
        {text}
      </Markdown>
    </div>
  );
}
