/** One notice of the browser's, shown by the page that is open. */
import type { SessionBody } from "@/api/types";
import { findWorker } from "@/features/push/browser_push";

import { readNoticeState } from "./switch";

/** Shows a notice of the browser's, where its user wants them and has allowed it (in the settings). */
export async function showNotice(
  session: Pick<SessionBody, "id" | "title" | "project_name">,
  words: string,
  open: () => unknown,
): Promise<void> {
  if (readNoticeState() !== "on") return;
  const title = `${session.title} ${words}`;
  const options = { body: session.project_name, tag: session.id, icon: "/icon-192.png" };
  const worker = await findWorker();
  if (worker?.active) {
    // As the worker shows what push brings, so that the one takes the other's place.
    await worker.showNotification(title, { ...options, data: { session: session.id } });
    return;
  }
  const notice = new Notification(title, options);
  notice.onclick = () => {
    window.focus();
    notice.close();
    open();
  };
}
