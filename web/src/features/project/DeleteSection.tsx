import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { api } from "@/api/client";
import { keys } from "@/api/queries";
import type { ProjectBody } from "@/api/types";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, Input } from "@/ui/fields";

import { Problem, Section } from "./Page";

/** Deletes a project with all that is Lot's of it, after its name was typed. */
export function DeleteSection({ project }: { project: ProjectBody }) {
  const [isAsking, setIsAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const navigate = useNavigate();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () =>
      api.DELETE("/api/projects/{project}", {
        params: { path: { project: project.id }, query: { cascade: true } },
      }),
    onSuccess: async () => {
      await navigate({ to: "/" });
      client.removeQueries({ queryKey: keys.project(project.id) });
      await Promise.all([
        client.invalidateQueries({ queryKey: keys.projects, exact: true }),
        client.invalidateQueries({ queryKey: keys.sessions }),
      ]);
    },
  });
  const isMeant = typed.trim() === project.name;
  const sessions = project.sessions === 1 ? "its session" : `its ${project.sessions} sessions`;
  return (
    <Section
      title="Delete"
      hint="The repository itself, its branches and pull requests stay."
      actions={
        <Button className="text-errored" onClick={() => setIsAsking(true)}>
          Delete project
        </Button>
      }
      className="pt-0"
    >
      <Dialog
        open={isAsking}
        onOpenChange={(open) => {
          setIsAsking(open);
          setTyped("");
        }}
        title={`Delete ${project.name}?`}
        description={`Its snapshots, variables and settings go${project.sessions > 0 ? `, and ${sessions} with conversations and unpublished work` : ""}. This cannot be undone.`}
        actions={
          <>
            <Button onClick={() => setIsAsking(false)}>Cancel</Button>
            <Button tone="danger" disabled={!isMeant} busy={remove.isPending} onClick={() => remove.mutate()}>
              Delete for good
            </Button>
          </>
        }
      >
        <div className="flex flex-col gap-3 pb-1">
          <Field label={`Type ${project.name} to confirm`}>
            {(control) => (
              <Input
                {...control}
                autoFocus
                autoComplete="off"
                spellCheck={false}
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
              />
            )}
          </Field>
          <Problem error={remove.error} />
        </div>
      </Dialog>
    </Section>
  );
}
