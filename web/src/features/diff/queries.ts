/** A session's diff, one file's part of it, and its pull request. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, read } from "@/api/client";
import { isNotFound } from "@/api/errors";
import { keys } from "@/api/queries";
import type { PullRequestBody } from "@/api/types";

/** The diff with a patch for each file; null while there is none, as the session has not been on yet. */
export function diffQuery(session: string) {
  return queryOptions({
    queryKey: [...keys.diff(session), "by-file"],
    queryFn: () =>
      nullIfNone(
        read(
          api.GET("/api/sessions/{session}/diff", {
            params: { path: { session }, query: { by_file: true } },
          }),
        ),
      ),
  });
}

/** One file's part, where the diff has left it out. */
export function filePatchQuery(session: string, path: string) {
  return queryOptions({
    queryKey: [...keys.diff(session), "file", path],
    queryFn: () =>
      read(api.GET("/api/sessions/{session}/diff/file", { params: { path: { session }, query: { path } } })),
  });
}

/** A session's newest pull request as its git host has it now; null if there is none. */
export function pullRequestQuery(session: string, project: string) {
  return queryOptions({
    queryKey: keys.pullRequest(session),
    queryFn: async (): Promise<PullRequestBody | null> => {
      const params = { path: { project } };
      const all = await read(api.GET("/api/projects/{project}/pull-requests", { params }));
      const newest = all
        .filter((one) => one.session_id === session)
        .sort((one, other) => one.created_at.localeCompare(other.created_at))
        .at(-1);
      if (!newest) return null;
      return read(
        api.GET("/api/projects/{project}/pull-requests/{number}", {
          params: { path: { project, number: newest.number } },
        }),
      );
    },
    refetchInterval: (query) => (query.state.data?.state === "open" ? 60_000 : false),
  });
}

/** What programs say of a pull request; a host that has no checks has none. */
export function checksQuery(
  session: string,
  pullRequest: Pick<PullRequestBody, "project_id" | "number" | "head_commit">,
) {
  const { project_id: project, number, head_commit: commit } = pullRequest;
  return queryOptions({
    queryKey: [...keys.pullRequest(session), "checks", number, commit],
    queryFn: () =>
      read(
        api.GET("/api/projects/{project}/pull-requests/{number}/checks", {
          params: { path: { project, number } },
        }),
      ),
    refetchInterval: (query) =>
      query.state.data?.some((check) => check.status !== "completed") ? 15_000 : false,
  });
}

/** Opens the session's pull request, or updates it. */
export function usePublish(session: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      read(
        api.POST("/api/sessions/{session}/pull-request", {
          params: { path: { session } },
          body: { title: null, body: null },
        }),
      ),
    onSuccess: (body) => client.setQueryData(keys.pullRequest(session), body),
    onSettled: () => client.invalidateQueries({ queryKey: keys.session(session), exact: true }),
  });
}

async function nullIfNone<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}
