/** What the pages of projects read, besides what every page reads (`api/queries.ts`). */
import { queryOptions } from "@tanstack/react-query";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";
import { request } from "@/features/sign_in/request";

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

export interface Branches {
  names: string[];
  default: string;
}

/** The branches of a repository that is no project yet. */
export function branchesQuery(source: string, account: string) {
  return queryOptions({
    queryKey: ["branches", account, source],
    queryFn: () =>
      request<Branches>("POST", "/api/repositories/branches", { source, ...(account && { account }) }),
    enabled: source !== "",
    staleTime: 60_000,
    retry: false,
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
