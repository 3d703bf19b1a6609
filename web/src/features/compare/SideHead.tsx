import { Link } from "@tanstack/react-router";

import type { SessionBody } from "@/api/types";
import { labelOf } from "@/features/session/label";
import { StateDot } from "@/features/session/StateDot";
import { Button } from "@/ui/Button";

interface Props {
  session: SessionBody;
  isBusy: boolean;
  onKeep: () => void;
}

/** Which session stands below, how it is, and the choice of it. */
export function SideHead({ session, isBusy, onKeep }: Props) {
  const label = labelOf(session);
  return (
    <div className="flex items-center gap-3 border-b bg-surface px-4 py-2">
      <div className="min-w-0 flex-1">
        <h2 className="truncate">
          <Link
            to="/sessions/$session/{-$panel}"
            params={{ session: session.id }}
            className="font-semibold underline-offset-4 hover:underline"
          >
            {session.title}
          </Link>
        </h2>
        <p className="flex items-center gap-1.5 text-ink-2">
          <StateDot label={label} />
          {label}
          <span className="truncate font-mono text-xs text-ink-3">{session.branch}</span>
        </p>
      </div>
      <Button size="small" disabled={isBusy} aria-label={`Keep this one: ${session.title}`} onClick={onKeep}>
        Keep this one
      </Button>
    </div>
  );
}
