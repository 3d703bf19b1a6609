import { LoaderCircle } from "lucide-react";

import { Button } from "@/ui/Button";

import { writeDraft } from "../drafts";
import { type Outgoing, sendAgain, takeBack } from "../outbox";

/** A message on its way, or why it did not get there. */
export function OutgoingView({ session, outgoing }: { session: string; outgoing: Outgoing }) {
  const { message, failure } = outgoing;
  return (
    <article aria-label="Your message, on its way" className="flex flex-col items-end gap-1 pt-4 pb-2">
      <div className="max-w-[88%] rounded-2xl rounded-br-md bg-accent-soft px-4 py-2.5 break-words whitespace-pre-wrap opacity-80">
        {message.text}
        {(message.attachments ?? []).length > 0 && (
          <p className="mt-1 text-xs text-ink-2">
            {message.attachments?.map((file) => file.name).join(", ")}
          </p>
        )}
      </div>
      {failure === null ? (
        <span className="flex h-6 items-center gap-1 text-xs text-ink-3">
          <LoaderCircle className="size-3 animate-spin" aria-hidden /> Sending
        </span>
      ) : (
        <div role="alert" className="flex flex-col items-end gap-1.5 text-errored">
          <span className="max-w-md text-right">Not sent: {failure}</span>
          <span className="flex gap-2">
            <Button
              size="small"
              onClick={() => {
                takeBack(session, message.id);
                writeDraft(session, message.text);
              }}
            >
              Edit
            </Button>
            <Button size="small" tone="primary" onClick={() => sendAgain(session, message.id)}>
              Try again
            </Button>
          </span>
        </div>
      )}
    </article>
  );
}
