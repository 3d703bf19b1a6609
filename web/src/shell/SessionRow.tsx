import { Link } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { memo, useState } from "react";

import type { SessionBody } from "@/api/types";
import { readAhead } from "@/features/conversation/read_ahead";
import { isUnread, needsYou } from "@/features/session/attention";
import { DeleteSession } from "@/features/session/DeleteSession";
import { labelOf } from "@/features/session/label";
import { StateDot } from "@/features/session/StateDot";
import { classes } from "@/ui/classes";
import { useNow } from "@/ui/clock";
import { ageOf } from "@/ui/format";
import { IconButton } from "@/ui/IconButton";

/** A session in the sidebar: what it is called, what it does, and whether it needs its user. */
export const SessionRow = memo(function SessionRow({ session }: { session: SessionBody }) {
  const [isDeleting, setIsDeleting] = useState(false);
  const label = labelOf(session);
  const isAsking = needsYou(session);
  const isNew = isUnread(session);
  return (
    <li className="group relative">
      <Link
        to="/sessions/$session/{-$panel}"
        params={{ session: session.id }}
        activeOptions={{ exact: false, includeSearch: false }}
        onPointerEnter={() => void readAhead(session)}
        className="flex min-h-11 items-start gap-2.5 rounded-lg py-1.5 pr-2 pl-2.5 hover:bg-sunken data-[status=active]:bg-sunken"
      >
        <StateDot label={label} className="mt-1.5" />
        <span className="min-w-0 flex-1">
          <span className="flex items-center gap-2">
            <span className={classes("truncate", isNew && "font-semibold")}>{session.title}</span>
            {isNew && (
              <span
                role="img"
                aria-label="unread"
                className="ml-auto size-1.5 shrink-0 rounded-full bg-accent"
              />
            )}
          </span>
          <span className="flex gap-1.5 text-xs text-ink-3">
            <span className={isAsking ? "font-semibold text-waiting" : undefined}>
              {isAsking ? "Needs you" : label}
            </span>
            {isAsking && label === "Paused" && <span>Paused</span>}
            <span className="ml-auto group-focus-within:invisible group-hover:invisible">
              <Age at={session.changed_at} />
            </span>
          </span>
        </span>
      </Link>
      <IconButton
        size="small"
        label={`Delete ${session.title}`}
        onClick={() => setIsDeleting(true)}
        className="absolute right-1 bottom-1 opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:hidden"
      >
        <Trash2 />
      </IconButton>
      {isDeleting && <DeleteSession session={session} open onOpenChange={setIsDeleting} />}
    </li>
  );
});

/** By itself, as it changes while the session does not. */
function Age({ at }: { at: string }) {
  return ageOf(Date.parse(at), useNow());
}
