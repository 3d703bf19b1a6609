/** What is read of the server, each under its key. Keys begin with the thing they are of: invalidate by prefix. */
import { queryOptions } from "@tanstack/react-query";

import { api, read } from "./client";
import { keys } from "./keys";

export { keys } from "./keys";

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

/** What new sessions and projects start from. */
export const settingsQuery = queryOptions({
  queryKey: keys.settings,
  queryFn: () => read(api.GET("/api/settings")),
});
