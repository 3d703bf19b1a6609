import { Check, Ellipsis, GitBranch, GitFork, Moon, Pause, Pencil, Play, Square, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";

import type { SessionBody } from "@/api/types";
import { CompareItem } from "@/features/compare/CompareItem";
import { classes } from "@/ui/classes";
import { CopyButton } from "@/ui/CopyButton";
import { IconButton } from "@/ui/IconButton";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { tellError } from "@/ui/toasts";

import { Countdown, HOUR_MS } from "./Countdown";
import { DeleteSession } from "./DeleteSession";
import { actionsFor, labelOf, type SessionAction } from "./label";
import { useFork, useSessionMoves } from "./queries";
import { inWords } from "./reasons";
import { StateDot } from "./StateDot";

/** What a session is called, what it does, and what can be done with it. */
export function SessionHeader({ session, children }: { session: SessionBody; children?: ReactNode }) {
  const label = labelOf(session);
  return (
    <header className="flex min-h-13 shrink-0 items-center gap-x-3 border-b px-4 py-1.5">
      <div className="min-w-0 flex-1">
        <Title key={session.id} session={session} />
        <p className="flex min-w-0 items-center gap-x-2 text-xs text-ink-3">
          <StateDot label={label} />
          <span className={classes("shrink-0", label === "Waiting for user" && "font-medium text-waiting")}>
            {label}
          </span>
          {session.is_scripted && <span className="shrink-0 rounded bg-sunken px-1">scripted</span>}
          {session.reason !== null && (
            <span
              className={classes("truncate", label === "Errored" && "text-errored")}
              title={inWords(session.reason)}
            >
              {inWords(session.reason)}
            </span>
          )}
          <Countdown session={session} />
          <Branch session={session} />
        </p>
      </div>
      <Actions session={session} />
      {children}
    </header>
  );
}

function Title({ session }: { session: SessionBody }) {
  const { change } = useSessionMoves(session.id);
  const [draft, setDraft] = useState<string | null>(null);
  const save = () => {
    const title = draft?.trim() ?? "";
    if (title !== "" && title !== session.title) change.mutate({ title }, { onError: tellError });
    setDraft(null);
  };
  if (draft === null) {
    return (
      <h1 className="group flex min-w-0 items-center gap-1">
        <span className="truncate font-semibold">{session.title}</span>
        <IconButton
          size="small"
          label="Rename"
          className="opacity-0 group-hover:opacity-100 focus-visible:opacity-100 max-md:hidden"
          onClick={() => setDraft(session.title)}
        >
          <Pencil />
        </IconButton>
      </h1>
    );
  }
  return (
    <form
      className="flex items-center gap-1"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <input
        autoFocus
        aria-label="Title"
        maxLength={200}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={save}
        onKeyDown={(event) => event.key === "Escape" && setDraft(null)}
        className="min-w-0 flex-1 border-b bg-transparent font-semibold outline-none"
      />
      <IconButton size="small" type="submit" label="Save the title">
        <Check />
      </IconButton>
    </form>
  );
}

function Branch({ session }: { session: SessionBody }) {
  return (
    <span className="group ml-auto flex min-w-0 items-center gap-1 max-lg:hidden">
      <GitBranch className="size-3.5 shrink-0" aria-hidden />
      <span className="truncate font-mono" title={`${session.branch}, from ${session.base_branch}`}>
        {session.branch}
      </span>
      <CopyButton text={session.branch} label="Copy the branch's name" className="-my-1" />
    </span>
  );
}

interface ActionView {
  action: SessionAction;
  name: string;
  icon: ReactNode;
}

const ACTIONS: readonly ActionView[] = [
  { action: "resume", name: "Resume", icon: <Play /> },
  { action: "stop", name: "Stop the agent", icon: <Square /> },
  { action: "keep-awake", name: "Keep awake for an hour", icon: <Moon /> },
  { action: "pause", name: "Pause now", icon: <Pause /> },
  { action: "fork", name: "Fork: conversation, files and processes", icon: <GitFork /> },
];

function Actions({ session }: { session: SessionBody }) {
  const moves = useSessionMoves(session.id);
  const fork = useFork(session);
  const [isDeleting, setIsDeleting] = useState(false);
  const allowed = actionsFor(labelOf(session));
  const act = (action: SessionAction) => {
    const onError = { onError: tellError };
    if (action === "stop") moves.stop.mutate(undefined, onError);
    else if (action === "pause") moves.pause.mutate(undefined, onError);
    else if (action === "resume") moves.resume.mutate(undefined, onError);
    else if (action === "fork") fork();
    else moves.keepAwake.mutate(HOUR_MS, onError);
  };
  return (
    <>
      <Menu
        trigger={
          <IconButton label="Actions of this session">
            <Ellipsis />
          </IconButton>
        }
      >
        {ACTIONS.filter(({ action }) => allowed.includes(action)).map(({ action, name, icon }) => (
          <MenuItem key={action} icon={icon} onSelect={() => act(action)}>
            {name}
          </MenuItem>
        ))}
        <CompareItem session={session} />
        {allowed.length > 0 && <MenuSeparator />}
        <MenuItem tone="danger" icon={<Trash2 />} onSelect={() => setIsDeleting(true)}>
          Delete…
        </MenuItem>
      </Menu>
      <DeleteSession session={session} open={isDeleting} onOpenChange={setIsDeleting} />
    </>
  );
}
