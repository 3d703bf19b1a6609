/** Follows a build's log while it grows. */
import { useEffect, useState } from "react";

import { api, read } from "@/api/client";

const POLL_MS = 1_000;

/** Returns what a snapshot's log says so far; goes on reading it while the build is under way. */
export function useSnapshotLog(snapshot: string, isLive: boolean): { text: string; error: Error | null } {
  const [log, setLog] = useState({ snapshot, text: "", error: null as Error | null });
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let text = "";
    const follow = async () => {
      try {
        const stretch = await read(
          api.GET("/api/snapshots/{snapshot}/log", {
            params: { path: { snapshot }, query: { after: text.length } },
          }),
        );
        if (isOver) return;
        text = stretch.next_offset < text.length ? stretch.text : text + stretch.text;
        setLog({ snapshot, text, error: null });
      } catch (error) {
        if (!isOver) setLog({ snapshot, text, error: error as Error });
      }
      if (isLive && !isOver) timer = setTimeout(() => void follow(), POLL_MS);
    };
    void follow();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [snapshot, isLive]);
  return log.snapshot === snapshot ? log : { text: "", error: null };
}
