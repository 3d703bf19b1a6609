import { memo, type ReactElement } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";

import { splitBlocks } from "../markdown_blocks";
import { CodeBlock } from "./CodeBlock";

const PLUGINS = [remarkGfm];

const COMPONENTS: Components = {
  a: ({ href, children }) => (
    <a
      href={href}
      target="_blank"
      rel="noreferrer noopener"
      className="text-accent underline underline-offset-3"
    >
      {children}
    </a>
  ),
  // Pictures of strangers would tell their hosts that they were looked at.
  img: ({ alt, src }) => <span className="text-ink-3">[{alt === "" ? src : alt}]</span>,
  pre: ({ children }) => children,
  code: ({ className, children }) => {
    const text = typeof children === "string" ? children : "";
    const language = /language-(\S+)/.exec(className ?? "")?.[1];
    if (language !== undefined || text.endsWith("\n")) return <CodeBlock code={text} language={language} />;
    return (
      <code className="rounded bg-sunken px-1 py-px font-mono text-[0.92em] break-words">{children}</code>
    );
  },
  h1: ({ children }) => <h2 className="mt-4 mb-2 text-base font-semibold first:mt-0">{children}</h2>,
  h2: ({ children }) => <h3 className="mt-4 mb-2 text-[0.9375rem] font-semibold first:mt-0">{children}</h3>,
  h3: ({ children }) => <h4 className="mt-3 mb-1 font-semibold first:mt-0">{children}</h4>,
  p: ({ children }) => <p className="my-2 first:mt-0 last:mb-0">{children}</p>,
  ul: ({ children }) => <ul className="my-2 list-disc pl-5 first:mt-0 last:mb-0">{children}</ul>,
  ol: ({ children, start }) => (
    <ol start={start} className="my-2 list-decimal pl-6 first:mt-0 last:mb-0">
      {children}
    </ol>
  ),
  li: ({ children }) => <li className="my-0.5 pl-0.5 marker:text-ink-3">{children}</li>,
  blockquote: ({ children }) => (
    <blockquote className="my-2 border-l-2 pl-3 text-ink-2">{children}</blockquote>
  ),
  hr: () => <hr className="my-4" />,
  table: ({ children }) => (
    <div className="my-2 overflow-x-auto">
      <table className="min-w-64 text-left">{children}</table>
    </div>
  ),
  th: ({ children }) => <th className="border-b py-1 pr-4 font-semibold">{children}</th>,
  td: ({ children }) => <td className="border-b py-1 pr-4 align-top">{children}</td>,
};

function readBlock(text: string): ReactElement {
  return ReactMarkdown({ children: text, remarkPlugins: PLUGINS, components: COMPONENTS });
}

/** So many blocks that were read stay read, for conversations that are shown again. */
const KEPT_BLOCKS = 1_000;
const kept = new Map<string, ReactElement>();

/** Returns what a block of markdown looks like: the same text the same element, which React then need not look into. */
function blockOf(text: string): ReactElement {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const read = readBlock(text);
  kept.set(text, read);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_BLOCKS) break;
    kept.delete(oldest);
  }
  return read;
}

interface Props {
  text: string;
  /** More is to come: its last block is not worth keeping. */
  isGrowing?: boolean;
}

/** Markdown of a model: text, never HTML. While it grows, only its last block is drawn anew. */
export const Markdown = memo(function Markdown({ text, isGrowing = false }: Props) {
  const blocks = splitBlocks(text);
  return (
    <div className="min-w-0 break-words [&>*+*]:mt-2">
      {blocks.map((block, index) => (
        <div key={index} className="[&>:last-child]:mb-0">
          {isGrowing && index === blocks.length - 1 ? readBlock(block) : blockOf(block)}
        </div>
      ))}
    </div>
  );
});
