import { ArrowUp, Paperclip, Square } from "lucide-react";
import { type ClipboardEvent, type DragEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";

import type { SessionBody } from "@/api/types";
import { actionsFor, labelOf } from "@/features/session/label";
import { useSessionMoves } from "@/features/session/queries";
import { classes } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";
import { useIsPhone } from "@/ui/screen";
import { tellError } from "@/ui/toasts";

import { admit, encode, type PickedFile } from "../attachments";
import { useDraft, writeDraft } from "../drafts";
import { send } from "../outbox";
import { AgentSettings } from "./AgentSettings";
import { PickedFiles } from "./PickedFiles";

/** Where one writes to the agent, in every state of the session. What is written is kept until it is sent. */
export function Composer({ session }: { session: SessionBody }) {
  const draft = useDraft(session.id);
  const isPhone = useIsPhone();
  const [files, setFiles] = useState<readonly PickedFile[]>([]);
  const [isDropTarget, setIsDropTarget] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const { stop } = useSessionMoves(session.id);
  const label = labelOf(session);
  const canStop = actionsFor(label).includes("stop");
  const canSend = draft.trim() !== "";

  useEffect(() => {
    if (!isPhone) box.current?.focus({ preventScroll: true });
  }, [session.id, isPhone]);

  const attach = (given: readonly File[]) => {
    const { picked, refused } = admit(files, given);
    setFiles([...files, ...picked]);
    for (const why of refused) tellError(why);
  };
  const submit = async () => {
    if (!canSend) return;
    try {
      const attachments = await Promise.all(files.map(encode));
      send(session.id, draft, attachments);
      writeDraft(session.id, "");
      setFiles([]);
    } catch (error) {
      tellError(error);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing || event.shiftKey) return;
    // On a phone's keyboard, Enter is how one begins a line.
    if (isPhone && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    void submit();
  };
  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    if (pasted.length === 0) return;
    event.preventDefault();
    attach(pasted);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setIsDropTarget(false);
    attach([...event.dataTransfer.files]);
  };

  return (
    <div className="mx-auto w-full max-w-3xl px-3 pb-3 md:px-5 md:pb-4">
      <form
        aria-label="Message to the agent"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        onDragOver={(event) => {
          event.preventDefault();
          setIsDropTarget(true);
        }}
        onDragLeave={() => setIsDropTarget(false)}
        onDrop={onDrop}
        className={classes(
          "rounded-2xl border bg-raised shadow-xs transition-colors focus-within:border-accent",
          isDropTarget && "border-accent bg-accent-soft",
        )}
      >
        <PickedFiles files={files} onRemove={(file) => setFiles(files.filter((each) => each !== file))} />
        <textarea
          ref={box}
          aria-label="Message"
          rows={1}
          value={draft}
          placeholder={placeholderOf(session)}
          onChange={(event) => writeDraft(session.id, event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          className="block field-sizing-content max-h-[40vh] min-h-12 w-full resize-none bg-transparent px-4 pt-3 pb-1 text-[0.9375rem] outline-none max-md:text-base"
        />
        <div className="flex items-center gap-0.5 px-2 pb-2">
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              attach([...(event.target.files ?? [])]);
              event.target.value = "";
            }}
          />
          <IconButton label="Attach files" onClick={() => picker.current?.click()}>
            <Paperclip />
          </IconButton>
          <AgentSettings session={session} />
          <span className="flex-1" />
          {canStop && (
            <IconButton
              label="Stop the agent"
              className="border text-errored hover:text-errored"
              disabled={stop.isPending}
              onClick={() => stop.mutate(undefined, { onError: tellError })}
            >
              <Square className="fill-current" />
            </IconButton>
          )}
          <IconButton
            type="submit"
            label="Send"
            shortcut="Ctrl Enter"
            disabled={!canSend}
            className="ml-1 rounded-full bg-accent text-on-accent hover:bg-accent-strong hover:text-on-accent"
          >
            <ArrowUp />
          </IconButton>
        </div>
      </form>
    </div>
  );
}

function placeholderOf(session: SessionBody): string {
  switch (labelOf(session)) {
    case "Starting":
      return "Say what is to be done: it is delivered once the session has started";
    case "Running":
      return "Steer the agent while it works";
    case "Waiting for user":
      return "Answer, or choose above";
    case "Paused":
    case "Pausing":
    case "Resuming":
      return "A message wakes the session";
    case "Idle":
    case "Errored":
      return "What is to be done?";
  }
}
