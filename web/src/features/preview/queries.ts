import { queryOptions } from "@tanstack/react-query";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";

const POLL_MS = 2_000;

/** What listens in a session's sandbox. The event stream tells of changes; while nothing listens, it is asked as well. */
export function portsQuery(session: string, isOn: boolean) {
  return queryOptions({
    queryKey: keys.ports(session),
    queryFn: () => read(api.GET("/api/sessions/{session}/ports", { params: { path: { session } } })),
    enabled: isOn,
    refetchInterval: (query) => (isOn && query.state.data?.ports.length === 0 ? POLL_MS : false),
  });
}

/** The end of the dev server's log, for the page that says it has crashed. */
export function devLogQuery(session: string) {
  return queryOptions({
    queryKey: [...keys.logs(session, "dev"), "end"],
    queryFn: async () => {
      const { data } = await api.GET("/api/sessions/{session}/logs", {
        params: { path: { session }, query: { process: "dev" } },
        parseAs: "text",
      });
      return data ?? "";
    },
  });
}
