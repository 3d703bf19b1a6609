import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleDot, CircleX, ExternalLink, GitPullRequest } from "lucide-react";

import type { PullRequestBody, SessionBody } from "@/api/types";
import { labelOf } from "@/features/session/label";
import { Button } from "@/ui/Button";
import { classes } from "@/ui/classes";
import { Tooltip } from "@/ui/Tooltip";
import { tell } from "@/ui/toasts";

import { publishState, sumUpChecks } from "./publishing";
import { checksQuery, pullRequestQuery, usePublish } from "./queries";
import { webAddress } from "./web_address";

interface Props {
  session: SessionBody;
  /** Whether there is anything that differs; null while that is not known. */
  hasChanges: boolean | null;
}

/** The session's pull request: its state and link, and the button that opens or updates it. */
export function PullRequestBar({ session, hasChanges }: Props) {
  const { data: pullRequest, error: readError } = useQuery(pullRequestQuery(session.id, session.project_id));
  const publish = usePublish(session.id);
  const state = publishState(pullRequest ?? null, hasChanges, labelOf(session));
  const onPublish = () =>
    publish.mutate(undefined, {
      onSuccess: (body) =>
        tell(`Pull request #${body.number} ${pullRequest?.number === body.number ? "updated" : "opened"}`),
    });
  const button = (
    <Button
      tone={state.verb === "Create PR" ? "primary" : "plain"}
      size="small"
      busy={publish.isPending}
      aria-disabled={state.whyNot !== null || undefined}
      className={classes(state.whyNot && "cursor-not-allowed opacity-50")}
      onClick={state.whyNot === null ? onPublish : undefined}
    >
      {!publish.isPending && <GitPullRequest />}
      {state.verb}
    </Button>
  );
  const hint = state.whyNot ?? state.hint;
  return (
    <div className="flex flex-col border-b bg-surface">
      <div className="flex min-h-10 items-center gap-3 px-3 py-1">
        {pullRequest ? (
          <PullRequestState pullRequest={pullRequest} session={session.id} />
        ) : (
          <span className="flex min-w-0 items-center gap-1.5 text-ink-3">
            <GitPullRequest className="size-4 shrink-0" aria-hidden />
            <span className="truncate">
              <span className="font-mono text-xs">{session.branch}</span> →{" "}
              <span className="font-mono text-xs">{session.base_branch}</span>
            </span>
          </span>
        )}
        <span className="ml-auto">{hint ? <Tooltip text={hint}>{button}</Tooltip> : button}</span>
      </div>
      {publish.error && (
        <p role="alert" className="bg-errored-soft px-3 py-2 text-errored">
          {publish.error.message} <span className="text-ink-2">Your work is kept in the session.</span>
        </p>
      )}
      {readError && !publish.error && (
        <p className="px-3 pb-2 text-ink-3">Its pull request cannot be read just now: {readError.message}</p>
      )}
    </div>
  );
}

const STATES: Record<string, { word: string; className: string }> = {
  open: { word: "Open", className: "bg-idle-soft text-idle" },
  draft: { word: "Draft", className: "bg-sunken text-ink-2" },
  merged: { word: "Merged", className: "bg-paused-soft text-paused" },
  closed: { word: "Closed", className: "bg-errored-soft text-errored" },
};

function PullRequestState({ pullRequest, session }: { pullRequest: PullRequestBody; session: string }) {
  const href = webAddress(pullRequest.url, location.origin);
  const state = STATES[pullRequest.state] ?? { word: pullRequest.state, className: "bg-sunken text-ink-2" };
  const title = (
    <>
      <span className="truncate font-medium">{pullRequest.title}</span>
      <span className="shrink-0 text-ink-3">#{pullRequest.number}</span>
    </>
  );
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className={classes("shrink-0 rounded-full px-2 py-0.5 text-xs font-medium", state.className)}>
        {state.word}
      </span>
      {href ? (
        <a
          href={href}
          target="_blank"
          rel="noopener noreferrer"
          className="flex min-w-0 items-center gap-1.5 rounded-sm underline-offset-2 hover:underline"
        >
          {title}
          <ExternalLink className="size-3.5 shrink-0 text-ink-3" aria-label="opens in a new tab" />
        </a>
      ) : (
        <span className="flex min-w-0 items-center gap-1.5">{title}</span>
      )}
      {pullRequest.state === "open" && <Checks pullRequest={pullRequest} session={session} />}
    </span>
  );
}

const CHECK_ICONS = {
  passed: <CircleCheck className="text-idle" />,
  failed: <CircleX className="text-errored" />,
  running: <CircleDot className="animate-breathe text-waiting" />,
};

function Checks({ pullRequest, session }: { pullRequest: PullRequestBody; session: string }) {
  // A host without checks answers with an error, which is nothing to be told of.
  const { data } = useQuery({ ...checksQuery(session, pullRequest), retry: false });
  const sum = sumUpChecks(data ?? []);
  if (sum === null) return null;
  return (
    <Tooltip text={sum.names}>
      <span
        tabIndex={0}
        className="flex shrink-0 items-center gap-1 rounded-sm text-xs text-ink-2 [&_svg]:size-4"
      >
        {CHECK_ICONS[sum.state]}
        {sum.words}
      </span>
    </Tooltip>
  );
}
