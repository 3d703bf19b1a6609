import { useMutation } from "@tanstack/react-query";

import { api, read } from "@/api/client";
import type { Answer } from "@/api/types";

/** Sends an answer, awake or asleep. That it was taken is told by the session's events. */
export function useAnswer(session: string, ask: string) {
  return useMutation({
    mutationFn: (body: Answer) =>
      read(
        api.POST("/api/sessions/{session}/asks/{ask}/answer", { params: { path: { session, ask } }, body }),
      ),
  });
}
