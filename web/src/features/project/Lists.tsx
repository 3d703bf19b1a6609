import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, CircleAlert, Stethoscope } from "lucide-react";
import type { ReactNode } from "react";

import { api, read } from "@/api/client";
import { sessionsQuery } from "@/api/queries";
import type { ProjectBody, SessionBody } from "@/api/types";
import { labelOf } from "@/features/session/label";
import { Button } from "@/ui/Button";
import { bytesOf, durationOf } from "@/ui/format";
import { Failed, Loading } from "@/ui/states";

import { Ago } from "./Ago";
import { Problem, Section } from "./Page";
import { pullRequestsQuery, snapshotsQuery } from "./queries";

/** The project's sessions, the one that changed last first. */
export function SessionsSection({ project }: { project: ProjectBody }) {
  const { data, error, refetch } = useQuery(sessionsQuery);
  const sessions = data?.filter((session) => session.project_id === project.id) ?? [];
  sessions.sort((one, other) => other.changed_at.localeCompare(one.changed_at));
  return (
    <Section title="Sessions">
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : sessions.length === 0 ? (
        <Nothing>No sessions yet.</Nothing>
      ) : (
        <ul className="-mx-2">
          {sessions.map((session) => (
            <SessionLine key={session.id} session={session} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function SessionLine({ session }: { session: SessionBody }) {
  return (
    <li>
      <Link
        to="/sessions/$session/{-$panel}"
        params={{ session: session.id }}
        className="flex flex-wrap items-baseline gap-x-3 rounded-md px-2 py-1.5 hover:bg-sunken"
      >
        <span className="min-w-0 flex-1 basis-48 truncate font-medium">{session.title}</span>
        <span className="text-ink-2">{labelOf(session)}</span>
        <Ago at={session.changed_at} className="text-ink-3" />
      </Link>
    </li>
  );
}

/** Every snapshot that was built, the newest first. */
export function GenerationsSection({ project }: { project: ProjectBody }) {
  const { data, error, refetch } = useQuery(snapshotsQuery(project.id));
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data || data.length === 0) return null;
  const newestFirst = [...data].sort((one, other) => other.generation - one.generation);
  const bytes = data.reduce((sum, one) => sum + one.layer_bytes + one.memory_bytes, 0);
  return (
    <Section title="Generations" hint={`${bytesOf(bytes)} on the disk, shared by all sessions`}>
      <div className="-mx-1 overflow-x-auto px-1" tabIndex={0} role="group" aria-label="All generations">
        <table className="w-full min-w-md text-left [&_td]:py-1.5 [&_td]:pr-4 [&_th]:pr-4 [&_th]:pb-1 [&_th]:font-normal [&_th]:text-ink-3">
          <thead>
            <tr>
              <th scope="col">No.</th>
              <th scope="col">State</th>
              <th scope="col">Commit</th>
              <th scope="col">Disk</th>
              <th scope="col">Memory</th>
              <th scope="col">Took</th>
              <th scope="col">Made</th>
            </tr>
          </thead>
          <tbody>
            {newestFirst.map((one) => (
              <tr key={one.id} className="border-t">
                <td>{one.generation}</td>
                <td>
                  {one.state}
                  {one.id === project.ready_snapshot && <span className="text-idle"> · in use</span>}
                </td>
                <td className="font-mono">{one.commit?.slice(0, 8) ?? "–"}</td>
                <td>{one.layer_bytes > 0 ? bytesOf(one.layer_bytes) : "–"}</td>
                <td>{one.has_memory ? bytesOf(one.memory_bytes) : "none"}</td>
                <td>{one.build_s === null ? "–" : durationOf(one.build_s)}</td>
                <td className="whitespace-nowrap">
                  <Ago at={one.created_at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

export function PullRequestsSection({ project }: { project: ProjectBody }) {
  const { data, error, refetch } = useQuery(pullRequestsQuery(project.id));
  return (
    <Section title="Pull requests">
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.length === 0 ? (
        <Nothing>None yet. A session's Diff panel creates one.</Nothing>
      ) : (
        <ul className="flex flex-col gap-1">
          {data.map((one) => (
            <li key={one.number} className="flex flex-wrap items-baseline gap-x-3">
              <span className="min-w-0 flex-1 basis-48 truncate">
                <span className="text-ink-3">#{one.number}</span>{" "}
                <PullRequestTitle title={one.title} url={one.url} />
              </span>
              <span className="text-ink-2">{one.state}</span>
              <Ago at={one.updated_at} className="text-ink-3" />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** The address comes from a git host: only a web address becomes a link. */
function PullRequestTitle({ title, url }: { title: string; url: string }) {
  if (!/^https?:\/\//i.test(url)) return <>{title}</>;
  return (
    <a href={url} target="_blank" rel="noreferrer" className="text-accent underline underline-offset-4">
      {title}
    </a>
  );
}

/** Looks whether sessions can start, and what to do where they cannot. */
export function DoctorSection({ project }: { project: ProjectBody }) {
  const examine = useMutation({
    mutationFn: () =>
      read(api.POST("/api/projects/{project}/examination", { params: { path: { project: project.id } } })),
  });
  return (
    <Section
      title="Doctor"
      hint="Reads the whole snapshot and starts a session that is deleted again"
      actions={
        <Button busy={examine.isPending} onClick={() => examine.mutate()}>
          {!examine.isPending && <Stethoscope aria-hidden />}
          Examine
        </Button>
      }
    >
      <Problem error={examine.error} />
      <div aria-live="polite">
        {examine.data && (
          <ul className="flex flex-col gap-2">
            {examine.data.map((finding) => (
              <li key={finding.name} className="flex gap-2.5 [&_svg]:mt-0.5 [&_svg]:size-4 [&_svg]:shrink-0">
                {finding.is_ok ? (
                  <Check className="text-idle" aria-label="good" />
                ) : (
                  <CircleAlert className="text-errored" aria-label="wrong" />
                )}
                <div className="min-w-0">
                  <p>
                    <span className="font-medium">{finding.name}</span>{" "}
                    <span className="break-words text-ink-2">{finding.seen}</span>
                  </p>
                  {finding.mend && <p className="text-pretty text-errored">{finding.mend}</p>}
                </div>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Section>
  );
}

function Nothing({ children }: { children: ReactNode }) {
  return <p className="text-ink-3">{children}</p>;
}
