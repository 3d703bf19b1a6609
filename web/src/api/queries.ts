/** What is read of the server, each under its key. Keys begin with the thing they are of: invalidate by prefix. */
import { queryOptions } from "@tanstack/react-query";

import { api, read } from "./client";

export const keys = {
  projects: ["projects"] as const,
  project: (project: string) => ["projects", project] as const,
  environment: (project: string) => ["projects", project, "environment"] as const,
  sessions: ["sessions"] as const,
  session: (session: string) => ["session", session] as const,
  diff: (session: string) => ["session", session, "diff"] as const,
  pullRequest: (session: string) => ["session", session, "pull-request"] as const,
  ports: (session: string) => ["session", session, "ports"] as const,
  processes: (session: string) => ["session", session, "processes"] as const,
  logs: (session: string, process: string) => ["session", session, "logs", process] as const,
  providers: ["providers"] as const,
  sizes: ["sizes"] as const,
};

export const projectsQuery = queryOptions({
  queryKey: keys.projects,
  queryFn: () => read(api.GET("/api/projects")),
});

export const sessionsQuery = queryOptions({
  queryKey: keys.sessions,
  queryFn: () => read(api.GET("/api/sessions")),
});

export const providersQuery = queryOptions({
  queryKey: keys.providers,
  queryFn: () => read(api.GET("/api/providers")),
  staleTime: 300_000,
});

export const sizesQuery = queryOptions({
  queryKey: keys.sizes,
  queryFn: () => read(api.GET("/api/sizes")),
  staleTime: Infinity,
});
