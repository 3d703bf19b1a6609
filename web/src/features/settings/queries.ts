/** What the settings show, besides what other pages read. */
import { queryOptions } from "@tanstack/react-query";

import { api, read } from "@/api/client";

export const settingsKeys = {
  browsers: ["browser-sessions"] as const,
  tokens: ["tokens"] as const,
  users: ["users"] as const,
  host: ["host"] as const,
  usage: ["usage"] as const,
  disk: ["disk"] as const,
};

export const browsersQuery = queryOptions({
  queryKey: settingsKeys.browsers,
  queryFn: () => read(api.GET("/api/browser-sessions")),
});

export const tokensQuery = queryOptions({
  queryKey: settingsKeys.tokens,
  queryFn: () => read(api.GET("/api/tokens")),
});

export const usersQuery = queryOptions({
  queryKey: settingsKeys.users,
  queryFn: () => read(api.GET("/api/users")),
});

export const hostQuery = queryOptions({
  queryKey: settingsKeys.host,
  queryFn: () => read(api.GET("/api/host")),
});

export function usageQuery(days: number, project: string) {
  return queryOptions({
    queryKey: [...settingsKeys.usage, days, project],
    queryFn: () => read(api.GET("/api/usage", { params: { query: { days, ...(project && { project }) } } })),
    staleTime: 30_000,
  });
}

/** Looks at every file on the server, so it is asked for only where it is shown. */
export const diskQuery = queryOptions({
  queryKey: settingsKeys.disk,
  queryFn: () => read(api.GET("/api/disk")),
  staleTime: 60_000,
});
