import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Command } from "cmdk";
import { FolderPlus, PanelRight, Plus, Settings, SunMoon } from "lucide-react";
import type { ReactNode } from "react";

import { projectsQuery, sessionsQuery } from "@/api/queries";
import { useCreateSession } from "@/features/session/creating";
import { labelOf } from "@/features/session/label";
import { PANEL_TITLES, PANELS } from "@/features/session/panels";
import { StateDot } from "@/features/session/StateDot";
import { chooseTheme, isDark } from "@/ui/theme";

const GROUP =
  "[&_[cmdk-group-heading]]:text-ink-3 [&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs";

/** Goes anywhere and does anything, by a few letters. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const { data: projects = [] } = useQuery(projectsQuery);
  const { data: sessions = [] } = useQuery(sessionsQuery);
  const shown = useParams({ strict: false }).session;
  const navigate = useNavigate();
  const create = useCreateSession();
  const run = (action: () => unknown) => () => {
    onClose();
    action();
  };
  return (
    <Command.Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      label="Go to, or do"
      overlayClassName="fixed inset-0 z-40 bg-black/35"
      contentClassName="fixed inset-x-3 top-[12vh] z-40 mx-auto max-w-xl"
      className="animate-appear overflow-hidden rounded-xl border bg-raised shadow-float"
    >
      <Command.Input
        autoFocus
        placeholder="Go to a session, or do something"
        className="h-12 w-full border-b bg-transparent px-4 text-base outline-none"
      />
      <Command.List className="max-h-[55vh] overflow-y-auto p-1.5 pt-0">
        <Command.Empty className="p-4 text-center text-ink-3">Nothing is called like that.</Command.Empty>
        <Command.Group heading="Sessions" className={GROUP}>
          {sessions.map((session) => (
            <Row
              key={session.id}
              value={`${session.title} ${session.project_name} ${session.id}`}
              icon={<StateDot label={labelOf(session)} className="mx-1" />}
              onSelect={run(() =>
                navigate({ to: "/sessions/$session/{-$panel}", params: { session: session.id } }),
              )}
              hint={session.project_name}
            >
              {session.title}
            </Row>
          ))}
        </Command.Group>
        {shown !== undefined && (
          <Command.Group heading="This session" className={GROUP}>
            {PANELS.map((panel) => (
              <Row
                key={panel}
                value={`show ${PANEL_TITLES[panel]}`}
                icon={<PanelRight />}
                onSelect={run(() =>
                  navigate({ to: "/sessions/$session/{-$panel}", params: { session: shown, panel } }),
                )}
              >
                Show {PANEL_TITLES[panel]}
              </Row>
            ))}
          </Command.Group>
        )}
        <Command.Group heading="Do" className={GROUP}>
          {projects
            .filter((project) => project.ready_snapshot !== null)
            .map((project) => (
              <Row
                key={project.id}
                value={`new session in ${project.name} ${project.id}`}
                icon={<Plus />}
                onSelect={run(() => create.mutate({ project: project.id }))}
              >
                New session in {project.name}
              </Row>
            ))}
          <Row
            value="new project"
            icon={<FolderPlus />}
            onSelect={run(() => navigate({ to: "/projects/new" }))}
          >
            New project
          </Row>
          <Row
            value="settings"
            icon={<Settings />}
            onSelect={run(() => navigate({ to: "/settings/{-$section}" }))}
          >
            Settings
          </Row>
          <Row
            value="light dark theme"
            icon={<SunMoon />}
            onSelect={run(() => chooseTheme(isDark() ? "light" : "dark"))}
          >
            {isDark() ? "Light colours" : "Dark colours"}
          </Row>
        </Command.Group>
      </Command.List>
    </Command.Dialog>
  );
}

interface RowProps {
  value: string;
  icon: ReactNode;
  onSelect: () => void;
  hint?: string;
  children: ReactNode;
}

function Row({ value, icon, onSelect, hint, children }: RowProps) {
  return (
    <Command.Item
      value={value}
      onSelect={onSelect}
      className="flex h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 data-[selected=true]:bg-sunken [&_svg]:size-4 [&_svg]:text-ink-3"
    >
      {icon}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {hint && <span className="text-xs text-ink-3">{hint}</span>}
    </Command.Item>
  );
}
