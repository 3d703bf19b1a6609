import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";
import type { ProjectBody } from "@/api/types";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, TextArea } from "@/ui/fields";

import { Problem } from "./Page";

interface Props {
  project: ProjectBody;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Starts a session in which an agent finds out how the project is set up. */
export function SetupDialog({ project, open, onOpenChange }: Props) {
  const [guidance, setGuidance] = useState("");
  const navigate = useNavigate();
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: () =>
      read(
        api.POST("/api/projects/{project}/setup-sessions", {
          params: { path: { project: project.id } },
          body: { guidance: guidance.trim() || null },
        }),
      ),
    onSuccess: (session) => {
      void client.invalidateQueries({ queryKey: keys.sessions });
      void client.invalidateQueries({ queryKey: keys.projects });
      return navigate({ to: "/sessions/$session/{-$panel}", params: { session: session.id } });
    },
  });
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Let an agent set it up"
      description="It looks at the repository, tries commands in a sandbox of its own, and proposes what a build from a clean base then has to prove. You can watch and talk to it. The present snapshot serves until then."
      actions={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="primary" busy={begin.isPending} onClick={() => begin.mutate()}>
            Start
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Field
          label="What should it know?"
          hint="Optional: a service that is needed, a command that works for you"
        >
          {(control) => (
            <TextArea
              {...control}
              autoFocus
              value={guidance}
              maxLength={100_000}
              onChange={(event) => setGuidance(event.target.value)}
            />
          )}
        </Field>
        <Problem error={begin.error} />
      </div>
    </Dialog>
  );
}
