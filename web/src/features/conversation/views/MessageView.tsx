import { Clock, FileText } from "lucide-react";
import { memo, use } from "react";

import { CopyButton } from "@/ui/CopyButton";
import { bytesOf, instantOf } from "@/ui/format";

import { SessionContext } from "../folding";
import type { MessageItem } from "../items";

/** What the user said. */
export const MessageView = memo(function MessageView({ item }: { item: MessageItem }) {
  const session = use(SessionContext);
  return (
    <article aria-label="Your message" className="group flex flex-col items-end gap-1 pt-4 pb-2">
      <div className="max-w-[88%] rounded-2xl rounded-br-md bg-accent-soft px-4 py-2.5 break-words whitespace-pre-wrap">
        {item.text}
        {item.attachments.length > 0 && (
          <ul className="mt-2 flex flex-wrap gap-2">
            {item.attachments.map((file, index) => (
              <li key={index}>
                <Attachment
                  url={`/api/sessions/${session}/messages/${item.id}/attachments/${index}`}
                  name={file.name}
                  mediaType={file.media_type}
                  size={file.size_bytes}
                />
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className="flex h-6 items-center gap-1 text-xs text-ink-3">
        <CopyButton
          text={item.text}
          label="Copy message"
          className="opacity-0 group-hover:opacity-100 focus-visible:opacity-100"
        />
        {item.delivery === "kept" ? (
          <span className="flex items-center gap-1">
            <Clock className="size-3" aria-hidden /> Kept until the agent takes it
          </span>
        ) : (
          <time dateTime={item.at}>{instantOf(item.at)}</time>
        )}
      </div>
    </article>
  );
});

interface AttachmentProps {
  url: string;
  name: string;
  mediaType: string;
  size: number;
}

function Attachment({ url, name, mediaType, size }: AttachmentProps) {
  if (mediaType.startsWith("image/")) {
    return (
      <a href={url} target="_blank" rel="noreferrer" className="block">
        <img src={url} alt={name} className="size-28 rounded-lg border bg-sunken object-cover" />
      </a>
    );
  }
  return (
    <a
      href={url}
      className="flex items-center gap-2 rounded-lg border bg-raised px-2.5 py-1.5 hover:border-line-strong"
    >
      <FileText className="size-4 text-ink-3" aria-hidden />
      <span className="max-w-48 truncate">{name}</span>
      <span className="text-xs text-ink-3">{bytesOf(size)}</span>
    </a>
  );
}
