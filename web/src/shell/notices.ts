/** Tells of sessions that wait or are done, to someone who looks elsewhere: in the page's title, and by the browser. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useRef } from "react";

import { sessionsQuery } from "@/api/queries";
import type { SessionBody } from "@/api/types";
import { needsYou, newsOf } from "@/features/session/attention";

const WORDS = { waits: "needs you", done: "is done", failed: "failed" };

export function useNotices(): void {
  const { data: sessions } = useQuery(sessionsQuery);
  const shown = useParams({ strict: false }).session;
  const before = useRef(new Map<string, SessionBody>());
  const navigate = useNavigate();

  const waiting = sessions?.filter(needsYou).length ?? 0;
  const title = sessions?.find((session) => session.id === shown)?.title;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${title === undefined ? "Lot" : `${title} · Lot`}`;
  }, [waiting, title]);

  const tell = useEffectEvent((listed: readonly SessionBody[]) => {
    for (const session of listed) {
      const news = newsOf(before.current.get(session.id), session);
      if (news !== null && document.visibilityState === "hidden") {
        notify(session, WORDS[news], () =>
          navigate({ to: "/sessions/$session/{-$panel}", params: { session: session.id } }),
        );
      }
    }
    before.current = new Map(listed.map((session) => [session.id, session]));
  });
  useEffect(() => {
    if (sessions) tell(sessions);
  }, [sessions]);
}

/** Shows a notice of the browser's, where its user has allowed that (in the settings). */
function notify(session: SessionBody, words: string, open: () => unknown): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const notice = new Notification(`${session.title} ${words}`, {
    body: session.project_name,
    tag: session.id,
  });
  notice.onclick = () => {
    window.focus();
    notice.close();
    open();
  };
}
