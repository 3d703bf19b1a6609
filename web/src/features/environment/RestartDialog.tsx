import { useQuery } from "@tanstack/react-query";

import { sessionsQuery } from "@/api/queries";
import type { SessionBody } from "@/api/types";
import { isOn } from "@/features/session/label";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { tell } from "@/ui/toasts";

import { useRestart } from "./queries";

interface Props {
  session: SessionBody;
  /** Ids of all sessions whose dev server has other values. */
  sessionsToRestart: readonly string[];
  onClose: () => void;
}

/** After saving: the new values reach a dev server when it is restarted, which is asked here, for this session alone. */
export function RestartDialog({ session, sessionsToRestart, onClose }: Props) {
  const { data: sessions } = useQuery(sessionsQuery);
  const restart = useRestart(session.id, session.project_id);
  const others = (sessions ?? []).filter(
    (one) => one.id !== session.id && sessionsToRestart.includes(one.id),
  );
  const canRestart = sessionsToRestart.includes(session.id) && isOn(session);
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
      title="Saved. A restart is needed"
      description={
        canRestart
          ? "Running dev servers keep the old values until they are restarted. Restart this session's now? The agent is not interrupted."
          : "Running dev servers keep the old values until they are restarted. Nothing was restarted."
      }
      className="max-w-md"
      actions={
        canRestart ? (
          <>
            <Button onClick={onClose}>Later</Button>
            <Button
              tone="primary"
              autoFocus
              busy={restart.isPending}
              onClick={() =>
                restart.mutate(undefined, {
                  onSuccess: () => {
                    tell("The dev server is starting with the new values");
                    onClose();
                  },
                })
              }
            >
              Restart this session's dev server
            </Button>
          </>
        ) : (
          <Button tone="primary" onClick={onClose}>
            All right
          </Button>
        )
      }
    >
      {restart.error && (
        <p role="alert" className="text-errored">
          {restart.error.message}
        </p>
      )}
      {others.length > 0 && (
        <div className="text-ink-2">
          {others.length === 1 ? "Another session has" : `${others.length} other sessions have`} the old
          values, too, until restarted there:
          <ul className="mt-1 list-disc pl-5">
            {others.slice(0, 8).map((one) => (
              <li key={one.id} className="text-ink">
                {one.title}
              </li>
            ))}
            {others.length > 8 && <li>and {others.length - 8} more</li>}
          </ul>
        </div>
      )}
    </Dialog>
  );
}
