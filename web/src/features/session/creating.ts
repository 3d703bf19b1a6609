/** Starting sessions. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";
import type { NewSession } from "@/api/types";
import { tellError } from "@/ui/toasts";

/** Starts a session and goes to it. */
export function useCreateSession() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (body: NewSession) => read(api.POST("/api/sessions", { body })),
    onSuccess: (session) => {
      queries.setQueryData(keys.session(session.id), session);
      void queries.invalidateQueries({ queryKey: keys.sessions });
      return navigate({ to: "/sessions/$session/{-$panel}", params: { session: session.id } });
    },
    onError: tellError,
  });
}
