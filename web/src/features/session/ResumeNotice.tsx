import { Moon } from "lucide-react";

import type { SessionBody } from "@/api/types";
import { Button } from "@/ui/Button";
import { Empty, Loading } from "@/ui/states";

import { labelOf } from "./label";
import { useSessionMoves } from "./queries";

interface Props {
  session: SessionBody;
  /** What a resume brings back: "The preview", "Your terminals". */
  what: string;
}

/** Stands in a panel whose content needs the sandbox while that is off: with a Resume button only when it is paused. */
export function ResumeNotice({ session, what }: Props) {
  const { resume } = useSessionMoves(session.id);
  const label = labelOf(session);
  if (label !== "Paused" && session.sandbox !== "paused") return <Loading label={`${label}…`} />;
  return (
    <Empty
      icon={<Moon />}
      title="Paused"
      actions={
        <Button tone="primary" busy={resume.isPending} onClick={() => resume.mutate()}>
          Resume
        </Button>
      }
    >
      {what} will be as you left it. This wakes the sandbox for five minutes and does not start the agent.
      {resume.error && (
        <p role="alert" className="mt-2 text-errored">
          {resume.error.message}
        </p>
      )}
    </Empty>
  );
}
