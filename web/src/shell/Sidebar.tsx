import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FolderPlus, PanelLeftClose, Search, Settings, SquarePen } from "lucide-react";
import type { ReactNode } from "react";

import { projectsQuery, sessionsQuery } from "@/api/queries";
import { sessionsOf } from "@/features/session/attention";
import { IconButton } from "@/ui/IconButton";
import { Keys } from "@/ui/Keys";
import { Failed, Loading } from "@/ui/states";

import { Mark } from "./Mark";
import { ProjectSection } from "./ProjectSection";
import { ThemeButton } from "./ThemeButton";

interface Props {
  onSearch: () => void;
  /** Null on a phone, where it fills the screen. */
  onFold: (() => void) | null;
  /** What changes its width. */
  handle?: ReactNode;
}

/** Projects and their sessions, and the ways to everything else. */
export function Sidebar({ onSearch, onFold, handle }: Props) {
  // Where it is the whole page, it begins with the page's heading.
  const Name = onFold === null ? "h1" : "span";
  return (
    <aside aria-label="Projects and sessions" className="flex h-full min-w-0 flex-col bg-ground">
      <div className="flex h-13 shrink-0 items-center gap-2 pr-2 pl-4">
        <Link to="/" aria-label="Lot: start" className="flex items-center gap-2 rounded-md">
          <Mark />
          <Name className="text-base font-bold tracking-tight">Lot</Name>
        </Link>
        <span className="flex-1" />
        {onFold && (
          <IconButton label="Fold the sidebar" shortcut="Ctrl B" onClick={onFold}>
            <PanelLeftClose />
          </IconButton>
        )}
      </div>
      <div className="flex shrink-0 flex-col gap-0.5 px-2 pb-2">
        <Link to="/new" className="flex h-9 items-center gap-2.5 rounded-lg px-2 font-medium hover:bg-sunken">
          <SquarePen className="size-4 text-accent" aria-hidden />
          New session
        </Link>
        <button
          type="button"
          onClick={onSearch}
          className="flex h-9 items-center gap-2.5 rounded-lg px-2 text-left text-ink-2 hover:bg-sunken"
        >
          <Search className="size-4" aria-hidden />
          <span className="flex-1">Go to…</span>
          <span className="text-ink-3 max-md:hidden">
            <Keys keys="Ctrl K" />
          </span>
        </button>
      </div>
      <nav aria-label="Sessions" className="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
        <Projects />
      </nav>
      <div className="flex shrink-0 items-center gap-0.5 border-t p-2">
        <Link
          to="/projects/new"
          className="flex h-9 flex-1 items-center gap-2.5 rounded-lg px-2 text-ink-2 hover:bg-sunken"
        >
          <FolderPlus className="size-4" aria-hidden />
          New project
        </Link>
        <ThemeButton />
        <Link
          to="/settings/{-$section}"
          aria-label="Settings"
          className="inline-flex size-8 items-center justify-center rounded-md text-ink-3 hover:bg-sunken hover:text-ink"
        >
          <Settings className="size-4" aria-hidden />
        </Link>
      </div>
      {handle}
    </aside>
  );
}

function Projects() {
  const projects = useQuery(projectsQuery);
  const sessions = useQuery(sessionsQuery);
  if (projects.error && !projects.data) {
    return <Failed error={projects.error} onRetry={() => void projects.refetch()} />;
  }
  if (!projects.data) return <Loading />;
  if (projects.data.length === 0) return <p className="px-2 py-3 text-ink-3">There is no project yet.</p>;
  return projects.data.map((project) => (
    <ProjectSection key={project.id} project={project} sessions={sessionsOf(project, sessions.data ?? [])} />
  ));
}
