import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, read } from "@/api/client";
import { keys, sessionsQuery } from "@/api/queries";
import type { EnvironmentBody, ProjectBody } from "@/api/types";
import { Button } from "@/ui/Button";
import { Failed, Loading } from "@/ui/states";

import { EnvironmentField } from "./EnvironmentField";
import { Section } from "./Page";
import { environmentQuery } from "./queries";

/** Names of the variables, and a place to add some; single ones are edited beside a session, where one sees what they do. */
export function EnvironmentSection({ project }: { project: ProjectBody }) {
  const { data, error, refetch } = useQuery(environmentQuery(project.id));
  const { data: sessions } = useQuery(sessionsQuery);
  const [isPasting, setIsPasting] = useState(false);
  const session = sessions?.find((one) => one.project_id === project.id);
  return (
    <Section
      title="Environment variables"
      hint="Stored encrypted, written to .env in every sandbox. Values are shown where they are edited."
      actions={
        data &&
        !isPasting && (
          <>
            <Button onClick={() => setIsPasting(true)}>Paste a .env</Button>
            {session && (
              <Link
                to="/sessions/$session/{-$panel}"
                params={{ session: session.id, panel: "env" }}
                className="inline-flex h-9 items-center rounded-lg border bg-raised px-3.5 font-medium hover:border-line-strong hover:bg-sunken"
              >
                Edit
              </Link>
            )}
          </>
        )
      }
    >
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        <div className="flex flex-col gap-4">
          {data.variables.length === 0 ? (
            <p className="text-ink-3">None are set.</p>
          ) : (
            <ul className="flex flex-wrap gap-1.5">
              {data.variables.map(({ name }) => (
                <li key={name} className="rounded-md bg-sunken px-2 py-0.5 font-mono text-xs text-ink-2">
                  {name}
                </li>
              ))}
            </ul>
          )}
          {isPasting && (
            <Pasting project={project} version={data.version} onClose={() => setIsPasting(false)} />
          )}
        </div>
      )}
    </Section>
  );
}

interface PastingProps {
  project: ProjectBody;
  version: number;
  onClose: () => void;
}

function Pasting({ project, version, onClose }: PastingProps) {
  const [text, setText] = useState("");
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () =>
      read(
        api.PATCH("/api/projects/{project}/environment", {
          params: { path: { project: project.id } },
          body: { text, version },
        }),
      ),
    onSuccess: (saved: EnvironmentBody) => {
      client.setQueryData(keys.environment(project.id), saved);
      void client.invalidateQueries({ queryKey: keys.sessions });
      onClose();
    },
    // Somebody else may have been faster: then the next try is for what is there now.
    onError: () => client.invalidateQueries({ queryKey: keys.environment(project.id) }),
  });
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() && !save.isPending) save.mutate();
      }}
    >
      <EnvironmentField value={text} onChange={setText} fault={save.error?.message} />
      <p className="text-ink-3">
        What is set in it is added or replaced, the rest stays. Running sessions are told, not restarted.
      </p>
      <div className="flex gap-2">
        <Button type="submit" tone="primary" busy={save.isPending} disabled={text.trim() === ""}>
          Save variables
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </form>
  );
}
