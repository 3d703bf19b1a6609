import { useSyncExternalStore } from "react";

/** As Tailwind's `md`: below it the page is a phone's, with tabs in place of columns. */
const PHONE = window.matchMedia("(max-width: 767.98px)");

export function useIsPhone(): boolean {
  return useSyncExternalStore(subscribe, () => PHONE.matches);
}

function subscribe(listener: () => void): () => void {
  PHONE.addEventListener("change", listener);
  return () => PHONE.removeEventListener("change", listener);
}
