/** One session as the server has it, and what can be asked of it. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";
import type { SessionBody, SessionChanges } from "@/api/types";
import { tellError } from "@/ui/toasts";

export function sessionQuery(session: string) {
  return queryOptions({
    queryKey: keys.session(session),
    queryFn: () => read(api.GET("/api/sessions/{session}", { params: { path: { session } } })),
  });
}

/** Returns a session as the server has it; at once, where the list of sessions has been read. */
export function useSession(session: string) {
  const queries = useQueryClient();
  return useQuery({
    ...sessionQuery(session),
    initialData: () =>
      queries.getQueryData<SessionBody[]>(keys.sessions)?.find((listed) => listed.id === session),
    initialDataUpdatedAt: () => queries.getQueryState(keys.sessions)?.dataUpdatedAt,
  });
}

/** Calls that move or change a session; each answer is at once what the page shows. */
export function useSessionMoves(session: string) {
  const client = useQueryClient();
  const params = { params: { path: { session } } };
  const onSuccess = (body: SessionBody) => {
    client.setQueryData(keys.session(session), body);
    void client.invalidateQueries({ queryKey: keys.sessions });
  };
  return {
    stop: useMutation({
      mutationFn: () => read(api.POST("/api/sessions/{session}/stop", params)),
      onSuccess,
    }),
    pause: useMutation({
      mutationFn: () => read(api.POST("/api/sessions/{session}/pause", params)),
      onSuccess,
    }),
    resume: useMutation({
      mutationFn: () => read(api.POST("/api/sessions/{session}/resume", params)),
      onSuccess,
    }),
    keepAwake: useMutation({
      /** For so many milliseconds from now on. */
      mutationFn: (forMs: number) => {
        const until = new Date(Date.now() + forMs).toISOString();
        return read(api.POST("/api/sessions/{session}/keep-awake", { ...params, body: { until } }));
      },
      onSuccess,
    }),
    change: useMutation({
      mutationFn: (body: SessionChanges) => read(api.PATCH("/api/sessions/{session}", { ...params, body })),
      onSuccess,
    }),
    fork: useMutation({
      mutationFn: (title: string | null) =>
        read(api.POST("/api/sessions/{session}/fork", { ...params, body: { title } })),
      onSuccess: () => client.invalidateQueries({ queryKey: keys.sessions }),
    }),
    remove: useMutation({
      mutationFn: () => api.DELETE("/api/sessions/{session}", params),
      onSuccess: () => {
        client.removeQueries({ queryKey: keys.session(session) });
        return client.invalidateQueries({ queryKey: keys.sessions });
      },
    }),
  };
}

/** Returns what forks a session and goes to the fork. */
export function useFork(session: Pick<SessionBody, "id">): () => void {
  const { fork } = useSessionMoves(session.id);
  const navigate = useNavigate();
  return () =>
    fork.mutate(null, {
      onSuccess: (child) =>
        void navigate({ to: "/sessions/$session/{-$panel}", params: { session: child.id } }),
      onError: tellError,
    });
}
