/** What the pages of projects read, besides what every page reads (`api/queries.ts`). */
import { queryOptions } from "@tanstack/react-query";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";

export const accountsKey = ["git-accounts"] as const;

export const accountsQuery = queryOptions({
  queryKey: accountsKey,
  queryFn: () => read(api.GET("/api/git-accounts")),
});

export function repositoriesQuery(account: string) {
  return queryOptions({
    queryKey: [...accountsKey, account, "repositories"],
    queryFn: () =>
      read(api.GET("/api/git-accounts/{account}/repositories", { params: { path: { account } } })),
    staleTime: 60_000,
  });
}

/** The branches of a repository that is no project yet; asked for once, as its host may count the questions. */
export function branchesQuery(source: string, account: string) {
  return queryOptions({
    queryKey: ["branches", account, source],
    queryFn: ({ signal }) =>
      read(api.POST("/api/repositories/branches", { body: { source, ...(account && { account }) }, signal })),
    enabled: source !== "",
    staleTime: 60_000,
    // Asking again would take a refusal away from the page until it comes again.
    retryOnMount: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}

export function projectQuery(project: string) {
  return queryOptions({
    queryKey: keys.project(project),
    queryFn: () => read(api.GET("/api/projects/{project}", { params: { path: { project } } })),
  });
}

export function snapshotsQuery(project: string) {
  return queryOptions({
    queryKey: [...keys.project(project), "snapshots"],
    queryFn: () => read(api.GET("/api/projects/{project}/snapshots", { params: { path: { project } } })),
  });
}

export function environmentQuery(project: string) {
  return queryOptions({
    queryKey: keys.environment(project),
    queryFn: () => read(api.GET("/api/projects/{project}/environment", { params: { path: { project } } })),
  });
}

export function pullRequestsQuery(project: string) {
  return queryOptions({
    queryKey: [...keys.project(project), "pull-requests"],
    queryFn: () => read(api.GET("/api/projects/{project}/pull-requests", { params: { path: { project } } })),
  });
}
