import { Link } from "@tanstack/react-router";
import { ChevronRight, LoaderCircle, Plus, TriangleAlert } from "lucide-react";

import type { ProjectBody, SessionBody } from "@/api/types";
import { needsYou } from "@/features/session/attention";
import { useCreateSession } from "@/features/session/creating";
import { classes } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";
import { useRememberedFlag } from "@/ui/remembered";

import { SessionRow } from "./SessionRow";

/** A project in the sidebar, with its sessions. */
export function ProjectSection({
  project,
  sessions,
}: {
  project: ProjectBody;
  sessions: readonly SessionBody[];
}) {
  const [isOpen, setIsOpen] = useRememberedFlag(`project-open:${project.id}`, true);
  const create = useCreateSession();
  const waiting = sessions.filter(needsYou).length;
  return (
    <section aria-label={`Project ${project.name}`} className="mt-3">
      <div className="group flex h-8 items-center gap-1 pr-1">
        <IconButton
          size="small"
          label={isOpen ? `Fold ${project.name}` : `Unfold ${project.name}`}
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          <ChevronRight className={classes("transition-transform", isOpen && "rotate-90")} />
        </IconButton>
        <Link
          to="/projects/$project"
          params={{ project: project.id }}
          className="min-w-0 flex-1 truncate rounded font-semibold text-ink-2 hover:text-ink"
          activeProps={{ className: "text-ink" }}
        >
          {project.name}
        </Link>
        <SetupState project={project} />
        {!isOpen && waiting > 0 && (
          <span className="size-2 rounded-full bg-waiting" aria-label={`${waiting} need you`} />
        )}
        <IconButton
          size="small"
          label={`New session in ${project.name}`}
          disabled={project.ready_snapshot === null || create.isPending}
          onClick={() => create.mutate({ project: project.id })}
        >
          <Plus />
        </IconButton>
      </div>
      {isOpen && (
        <ul>
          {sessions.map((session) => (
            <SessionRow key={session.id} session={session} />
          ))}
        </ul>
      )}
    </section>
  );
}

function SetupState({ project }: { project: ProjectBody }) {
  const snapshot = project.snapshot;
  if (snapshot === null || snapshot.state === "ready") return null;
  if (snapshot.state === "failed") {
    return <TriangleAlert className="size-4 text-errored" role="img" aria-label="Its set-up failed" />;
  }
  return (
    <LoaderCircle className="size-4 animate-spin text-running" role="img" aria-label="It is being set up" />
  );
}
