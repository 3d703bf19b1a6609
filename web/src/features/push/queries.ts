/** What is known of push: by the server, and by this browser. */
import { queryOptions } from "@tanstack/react-query";

import { api, read } from "@/api/client";

import { findSubscription } from "./browser_push";

export const pushKeys = { all: ["push"] as const };

export const pushQuery = queryOptions({
  queryKey: [...pushKeys.all, "server"],
  queryFn: () => read(api.GET("/api/push")),
});

export const subscribedQuery = queryOptions({
  queryKey: [...pushKeys.all, "browser"],
  queryFn: async () => (await findSubscription()) !== null,
});
