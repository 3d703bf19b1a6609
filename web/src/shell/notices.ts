/** Tells of sessions that wait or are done, to someone who looks elsewhere: in the page's title and icon, and by the browser. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useRef, useState } from "react";

import { sessionsQuery } from "@/api/queries";
import type { SessionBody } from "@/api/types";
import { useIconDot } from "@/features/notices/page_icon";
import { showNotice } from "@/features/notices/show_notice";
import { needsYou, newsOf } from "@/features/session/attention";

const WORDS = { waits: "needs you", done: "is done", failed: "failed" };

export function useNotices(): void {
  const { data: sessions } = useQuery(sessionsQuery);
  const shown = useParams({ strict: false }).session;
  const before = useRef(new Map<string, SessionBody>());
  const navigate = useNavigate();
  const [hasUnseen, setHasUnseen] = useState(false);

  const waiting = sessions?.filter(needsYou).length ?? 0;
  const title = sessions?.find((session) => session.id === shown)?.title;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${title === undefined ? "Lot" : `${title} · Lot`}`;
  }, [waiting, title]);

  useIconDot(waiting > 0 || hasUnseen);
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") setHasUnseen(false);
    };
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);

  const tell = useEffectEvent((listed: readonly SessionBody[]) => {
    for (const session of listed) {
      const news = newsOf(before.current.get(session.id), session);
      if (news !== null && document.visibilityState === "hidden") {
        setHasUnseen(true);
        const open = () => navigate({ to: "/sessions/$session/{-$panel}", params: { session: session.id } });
        // A browser that shows none has its reasons; the title and the icon tell all the same.
        void showNotice(session, WORDS[news], open).catch(() => undefined);
      }
    }
    before.current = new Map(listed.map((session) => [session.id, session]));
  });
  useEffect(() => {
    if (sessions) tell(sessions);
  }, [sessions]);
}
