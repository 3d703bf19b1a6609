/** What the pull request button says and does, by what there is. */
import type { PullRequestBody } from "@/api/types";
import type { SessionLabel } from "@/features/session/label";

export interface PublishState {
  verb: "Create PR" | "Update PR";
  /** Why it cannot be pressed; null: it can. */
  whyNot: string | null;
  /** What else it will do. */
  hint: string | null;
}

export function publishState(
  pullRequest: Pick<PullRequestBody, "state" | "number"> | null,
  hasChanges: boolean | null,
  label: SessionLabel,
): PublishState {
  const isOpen = pullRequest?.state === "open" || pullRequest?.state === "draft";
  return {
    verb: isOpen ? "Update PR" : "Create PR",
    whyNot: whyNot(hasChanges, label),
    hint: hintOf(pullRequest, isOpen, label),
  };
}

function whyNot(hasChanges: boolean | null, label: SessionLabel): string | null {
  if (label === "Starting") return "The session is still starting";
  if (hasChanges === false) return "Nothing to publish: no file has changed since the session began";
  return null;
}

function hintOf(
  pullRequest: Pick<PullRequestBody, "state" | "number"> | null,
  isOpen: boolean,
  label: SessionLabel,
): string | null {
  if (pullRequest && !isOpen)
    return `#${pullRequest.number} is ${pullRequest.state}: this opens a new one from a new branch`;
  if (label === "Paused" || label === "Pausing") return "Wakes the session to push its work";
  if (label === "Running") return "The agent is at work: what is there now will be pushed";
  return null;
}

interface Check {
  name: string;
  status: string;
  conclusion: string | null;
}

export interface ChecksSum {
  state: "passed" | "failed" | "running";
  words: string;
  /** Those that are worth a look, by name. */
  names: string;
}

const FINE = ["success", "neutral", "skipped"];

/** Returns checks in a few words; null: there are none. */
export function sumUpChecks(checks: readonly Check[]): ChecksSum | null {
  if (checks.length === 0) return null;
  const done = checks.filter((check) => check.status === "completed");
  const failed = done.filter((check) => !FINE.includes(check.conclusion ?? ""));
  if (failed.length > 0) {
    return { state: "failed", words: `${failed.length} of ${checks.length} failed`, names: namesOf(failed) };
  }
  if (done.length < checks.length) {
    const open = checks.filter((check) => check.status !== "completed");
    return {
      state: "running",
      words: `${done.length} of ${checks.length} passed`,
      names: `Still to come: ${namesOf(open)}`,
    };
  }
  return { state: "passed", words: `${checks.length} passed`, names: namesOf(checks) };
}

function namesOf(checks: readonly Check[]): string {
  return checks.map((check) => check.name).join(", ");
}
