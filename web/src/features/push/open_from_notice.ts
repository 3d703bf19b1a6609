/** Goes to the session of a notice that was clicked: the service worker asks the page to, so that nothing is lost in it. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useEffectEvent } from "react";

export function useOpenFromNotice(): void {
  const navigate = useNavigate();
  const open = useEffectEvent((data: unknown) => {
    if (typeof data !== "object" || data === null || !("session" in data)) return;
    const { session } = data;
    if (typeof session === "string")
      void navigate({ to: "/sessions/$session/{-$panel}", params: { session } });
  });
  useEffect(() => {
    if (!("serviceWorker" in navigator)) return;
    const { serviceWorker } = navigator;
    const listen = (event: MessageEvent) => open(event.data);
    serviceWorker.addEventListener("message", listen);
    return () => serviceWorker.removeEventListener("message", listen);
  }, []);
}
