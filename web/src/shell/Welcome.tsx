import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowUp } from "lucide-react";
import { useState } from "react";

import { projectsQuery } from "@/api/queries";
import type { ProjectBody } from "@/api/types";
import { useCreateSession } from "@/features/session/creating";
import { Button } from "@/ui/Button";
import { Select } from "@/ui/fields";
import { useRemembered } from "@/ui/remembered";
import { Empty, Failed, Loading } from "@/ui/states";
import { newId } from "@/ui/ids";

import { Mark } from "./Mark";

/** The start page: what is to be done, and in which project. */
export function Welcome() {
  const { data: projects, error, refetch } = useQuery(projectsQuery);
  if (error && !projects) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!projects) return <Loading />;
  if (projects.length === 0) return <NoProject />;
  return <NewSession projects={projects} />;
}

function NoProject() {
  return (
    <Empty
      icon={<Mark className="size-10" />}
      title="Begin with a project"
      actions={
        <Link
          to="/projects/new"
          className="inline-flex h-9 items-center rounded-lg bg-accent px-3.5 font-medium text-on-accent hover:bg-accent-strong"
        >
          New project
        </Link>
      }
    >
      A project is a repository and a branch. Lot sets it up once; from then on a session starts within a
      moment.
    </Empty>
  );
}

function NewSession({ projects }: { projects: readonly ProjectBody[] }) {
  const create = useCreateSession();
  const [text, setText] = useState("");
  const [remembered, remember] = useRemembered("new-session-project", "");
  const project = projects.find((each) => each.id === remembered) ?? projects[0];
  if (project === undefined) return null;
  const isReady = project.ready_snapshot !== null;
  const start = () => {
    const said = text.trim();
    const message = said === "" ? null : { id: newId(), text: said };
    create.mutate({ project: project.id, message });
  };
  return (
    <div className="mx-auto flex h-full max-w-2xl flex-col justify-center gap-5 px-6 pb-[12vh]">
      <h1 className="text-2xl font-semibold tracking-tight text-balance">What is to be done?</h1>
      <form
        aria-label="New session"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
        className="rounded-2xl border bg-raised shadow-xs transition-colors focus-within:border-accent"
      >
        <textarea
          autoFocus
          aria-label="The task"
          rows={3}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            if (isReady && !create.isPending) start();
          }}
          placeholder="Describe a task for the agent; without one, the session just starts"
          className="block field-sizing-content max-h-[40vh] min-h-24 w-full resize-none bg-transparent px-4 pt-3.5 text-[0.9375rem] outline-none max-md:text-base"
        />
        <div className="flex items-center gap-2 p-2.5">
          <Select
            aria-label="Project"
            value={project.id}
            onChange={(event) => remember(event.target.value)}
            className="h-8 w-auto max-w-64 border-transparent bg-transparent"
          >
            {projects.map((each) => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </Select>
          <span className="truncate text-xs text-ink-3">
            {project.branch}, {project.size}
          </span>
          <span className="flex-1" />
          <Button type="submit" tone="primary" disabled={!isReady} busy={create.isPending}>
            Start
            <ArrowUp />
          </Button>
        </div>
      </form>
      {!isReady && (
        <p className="text-ink-2">
          {project.name} is not set up yet, so no session can start from it.{" "}
          <Link
            to="/projects/$project"
            params={{ project: project.id }}
            className="text-accent underline underline-offset-4"
          >
            See how far it is
          </Link>
        </p>
      )}
    </div>
  );
}
