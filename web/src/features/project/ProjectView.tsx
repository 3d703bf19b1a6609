import { Plus } from "lucide-react";

import type { ProjectBody } from "@/api/types";
import { useCreateSession } from "@/features/session/creating";
import { Button } from "@/ui/Button";

import { countOf, moneyOf } from "@/ui/format";
import { DeleteSection } from "./DeleteSection";
import { DoctorSection, GenerationsSection, PullRequestsSection, SessionsSection } from "./Lists";
import { EnvironmentSection } from "./EnvironmentSection";
import { Page } from "./Page";
import { SettingsSection } from "./SettingsSection";
import { SnapshotSection } from "./SnapshotSection";

/** All that there is to know of a project, and to do with it. */
export function ProjectView({ project }: { project: ProjectBody }) {
  const create = useCreateSession();
  return (
    <Page
      title={project.name}
      subtitle={
        <>
          <span className="font-mono text-[0.8125rem]">{project.source}</span>
          {project.account && ` as ${project.account}`}, branch{" "}
          <span className="font-mono text-[0.8125rem]">{project.branch}</span>
          {project.spent_tokens > 0 && (
            <>
              {" "}
              · {countOf(project.spent_tokens)} tokens, {moneyOf(project.spent_usd)} spent
            </>
          )}
        </>
      }
      actions={
        <Button
          tone="primary"
          busy={create.isPending}
          disabled={project.ready_snapshot === null}
          title={project.ready_snapshot === null ? "There is no snapshot to start from yet" : undefined}
          onClick={() => create.mutate({ project: project.id, mode: "full", program: "claude" })}
        >
          {!create.isPending && <Plus aria-hidden />}
          New session
        </Button>
      }
    >
      <SnapshotSection project={project} />
      <SessionsSection project={project} />
      <SettingsSection project={project} />
      <EnvironmentSection project={project} />
      <PullRequestsSection project={project} />
      <GenerationsSection project={project} />
      <DoctorSection project={project} />
      <DeleteSection project={project} />
    </Page>
  );
}
