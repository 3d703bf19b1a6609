/** Lists of projects and sessions, kept true by the server's stream of everything; read anew while that is down. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { socketUrl } from "@/api/client";
import { projectsQuery, sessionsQuery } from "@/api/queries";
import type { OverviewFrame } from "@/api/types";
import { ReturningSocket } from "@/features/session/socket";

import { takeFrame } from "./overview_frames";

/** How often the lists are read while the stream is down. */
const POLL_MS = 3_000;

/** Keeps the lists true for as long as the shell is there. */
export function useOverviewStream(): void {
  const queries = useQueryClient();
  const [isLive, setIsLive] = useState(false);
  useEffect(() => {
    const socket = new ReturningSocket({
      url: () => socketUrl("/api/stream"),
      onText: (text) => takeFrame(queries, JSON.parse(text) as OverviewFrame),
      onStatus: (status) => setIsLive(status === "open"),
    });
    return () => socket.close();
  }, [queries]);
  const refetchInterval = isLive ? false : POLL_MS;
  useQuery({ ...projectsQuery, refetchInterval });
  useQuery({ ...sessionsQuery, refetchInterval });
}
