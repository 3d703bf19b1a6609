import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, CircleAlert, LoaderCircle, RotateCw } from "lucide-react";
import { useState } from "react";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";
import type { ProjectBody, SnapshotBody } from "@/api/types";
import { Button } from "@/ui/Button";

import { durationOf } from "@/ui/format";
import { isUnderWay, stepsOf, type Step } from "./build_log";
import { LogView } from "./LogView";
import { Problem, Section } from "./Page";
import { SetupDialog } from "./SetupDialog";
import { useSnapshotLog } from "./snapshot_log";

/** What sessions start from: how its newest build goes or went, and what can be done about it. */
export function SnapshotSection({ project }: { project: ProjectBody }) {
  const [isAsking, setIsAsking] = useState(false);
  const client = useQueryClient();
  const retry = useMutation({
    mutationFn: () =>
      read(api.POST("/api/projects/{project}/snapshots", { params: { path: { project: project.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.projects }),
  });
  const snapshot = project.snapshot;
  const isBusy = snapshot !== null && isUnderWay(snapshot.state);
  return (
    <Section
      title="Snapshot"
      hint="The prepared environment that every session starts from"
      actions={
        <>
          <Button onClick={() => setIsAsking(true)}>Let an agent set it up</Button>
          <Button
            tone={snapshot?.state === "failed" || project.retry_needed ? "primary" : "plain"}
            busy={retry.isPending}
            disabled={isBusy}
            onClick={() => retry.mutate()}
          >
            {!retry.isPending && <RotateCw aria-hidden />}
            Retry setup
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Problem error={retry.error} />
        {project.retry_needed && !isBusy && (
          <p className="rounded-lg bg-waiting-soft px-3 py-2 text-pretty">
            Commands or port were changed since this snapshot was begun. They count once the setup is redone.
          </p>
        )}
        {snapshot === null ? (
          <p className="text-ink-2">There is none yet.</p>
        ) : (
          <Build key={snapshot.id} project={project} snapshot={snapshot} />
        )}
      </div>
      <SetupDialog project={project} open={isAsking} onOpenChange={setIsAsking} />
    </Section>
  );
}

function Build({ project, snapshot }: { project: ProjectBody; snapshot: SnapshotBody }) {
  const isLive = isUnderWay(snapshot.state);
  const [isShown, setIsShown] = useState(snapshot.state !== "ready");
  const { text, error } = useSnapshotLog(snapshot.id, isLive);
  const steps = stepsOf(text, snapshot.state);
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <StateMark state={snapshot.state} />
        <span className="text-ink-3">
          generation {snapshot.generation}
          {snapshot.build_s !== null && `, built in ${durationOf(snapshot.build_s)}`}
        </span>
        {project.ready_snapshot !== null && project.ready_snapshot !== snapshot.id && (
          <span className="text-ink-3">· sessions start from the last good one meanwhile</span>
        )}
      </p>
      {snapshot.state === "preparing" && project.setup_session && (
        <p className="text-ink-2">
          An agent finds out how to set it up:{" "}
          <Link
            to="/sessions/$session/{-$panel}"
            params={{ session: project.setup_session }}
            className="text-accent underline underline-offset-4"
          >
            watch it, or help
          </Link>
          .
        </p>
      )}
      {snapshot.failure && (
        <p role="alert" className="rounded-lg bg-errored-soft px-3 py-2 text-pretty break-words text-errored">
          {snapshot.failure}
        </p>
      )}
      {snapshot.stale_files.length > 0 && (
        <p className="rounded-lg bg-waiting-soft px-3 py-2 text-pretty">
          Changed since it was built: <span className="font-mono">{snapshot.stale_files.join(", ")}</span>.
          Sessions install what changed when they start; a new setup makes that quick again.
        </p>
      )}
      {steps.length > 0 && snapshot.state !== "ready" && <Steps steps={steps} />}
      <Problem error={error} />
      {text !== "" && (
        <div className="flex flex-col gap-2">
          <Button
            size="small"
            tone="quiet"
            className="-ml-2.5 self-start"
            aria-expanded={isShown}
            onClick={() => setIsShown(!isShown)}
          >
            {isShown ? "Hide the log" : "Show the log"}
          </Button>
          {isShown && <LogView text={text} label="Log of the setup" />}
        </div>
      )}
    </>
  );
}

function StateMark({ state }: { state: string }) {
  if (state === "ready") {
    return (
      <span className="inline-flex items-center gap-1.5 font-medium text-idle [&_svg]:size-4">
        <Check aria-hidden /> Ready
      </span>
    );
  }
  if (state === "failed") {
    return (
      <span className="inline-flex items-center gap-1.5 font-medium text-errored [&_svg]:size-4">
        <CircleAlert aria-hidden /> Failed
      </span>
    );
  }
  return (
    <span role="status" className="inline-flex items-center gap-1.5 font-medium text-running [&_svg]:size-4">
      <LoaderCircle className="animate-spin" aria-hidden />
      {state === "preparing" ? "Being prepared" : "Being built"}
    </span>
  );
}

const STEP_ICONS = {
  done: <Check className="text-idle" aria-label="done" />,
  running: <LoaderCircle className="animate-spin text-running" aria-label="under way" />,
  failed: <CircleAlert className="text-errored" aria-label="failed" />,
};

function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    <ol aria-label="Steps" className="flex flex-col gap-1">
      {steps.map((step, at) => (
        <li key={at} className="flex items-start gap-2 [&_svg]:mt-0.5 [&_svg]:size-4 [&_svg]:shrink-0">
          {STEP_ICONS[step.state]}
          <span className="min-w-0 break-words">{step.name}</span>
        </li>
      ))}
    </ol>
  );
}
