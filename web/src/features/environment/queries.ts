/** A project's environment. Values are read on demand and kept by nobody but who asked. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, read } from "@/api/client";
import { keys, sessionsQuery } from "@/api/queries";
import type { EnvironmentBody } from "@/api/types";

import { type Edits, patchOf } from "./edits";

export function environmentQuery(project: string) {
  return queryOptions({
    queryKey: keys.environment(project),
    queryFn: () => read(api.GET("/api/projects/{project}/environment", { params: { path: { project } } })),
  });
}

/** Returns all values by name. */
export async function readValues(project: string): Promise<Record<string, string>> {
  const body = await read(
    api.GET("/api/projects/{project}/environment", {
      params: { path: { project }, query: { reveal: true } },
      cache: "no-store",
    }),
  );
  return Object.fromEntries(body.variables.map((one) => [one.name, one.value ?? ""]));
}

/** Returns what a pasted `.env` sets, as the server reads it; nothing is saved. */
export async function parseDotenv(text: string): Promise<Record<string, string>> {
  const parsed = await read(api.POST("/api/environment/parse", { body: { text } }));
  return parsed.variables;
}

export function useSave(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ edits, seen, now }: { edits: Edits; seen: number; now: EnvironmentBody }) =>
      read(
        api.PATCH("/api/projects/{project}/environment", {
          params: { path: { project } },
          body: patchOf(
            edits,
            now.variables.map((one) => one.name),
            seen,
          ),
        }),
      ),
    onSuccess: (body) => {
      client.setQueryData(keys.environment(project), body);
      void client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
    // Somebody else may have been faster: what they saved is to be seen.
    onError: () => client.invalidateQueries({ queryKey: keys.environment(project) }),
  });
}

/** Gives a session's dev server the newest values by starting it again. */
export function useRestart(session: string, project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      read(api.POST("/api/sessions/{session}/dev-server/restart", { params: { path: { session } } })),
    onSuccess: (body) => {
      client.setQueryData(keys.session(session), body);
      void client.invalidateQueries({ queryKey: keys.environment(project) });
    },
  });
}
