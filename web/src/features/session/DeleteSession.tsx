import { useNavigate, useParams } from "@tanstack/react-router";

import type { SessionBody } from "@/api/types";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { tellError } from "@/ui/toasts";

import { useSessionMoves } from "./queries";

interface Props {
  session: Pick<SessionBody, "id" | "title">;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Asks before a session is deleted, and leaves its page when it is. */
export function DeleteSession({ session, open, onOpenChange }: Props) {
  const { remove } = useSessionMoves(session.id);
  const navigate = useNavigate();
  const shown = useParams({ strict: false }).session;
  const confirm = () => {
    if (shown === session.id) void navigate({ to: "/" });
    remove.mutate(undefined, { onError: tellError });
  };
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete “${session.title}”?`}
      description="Its conversation, changes, disk and memory are removed for good. Its branch and pull request on the git host stay."
      confirm="Delete"
      onConfirm={confirm}
    />
  );
}
