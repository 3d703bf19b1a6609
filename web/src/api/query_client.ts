import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "./errors";

/** Answers are kept while they are shown; what the server refuses is not asked again, what it missed is. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => !(error instanceof ApiError) && failures < 5,
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 10_000),
      },
      mutations: { retry: false },
    },
  });
}
