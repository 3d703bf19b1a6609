/** Small choices about the page that the browser remembers: what is folded, which panel was open. */
import { useCallback, useSyncExternalStore } from "react";

const PREFIX = "lot:";
const listeners = new Set<() => void>();

/** Returns a remembered choice and how to change it; `initial` counts until there is one. */
export function useRemembered(key: string, initial: string): [string, (value: string) => void] {
  const value = useSyncExternalStore(subscribe, () => localStorage.getItem(PREFIX + key) ?? initial);
  const change = useCallback(
    (next: string) => {
      localStorage.setItem(PREFIX + key, next);
      for (const listener of listeners) listener();
    },
    [key],
  );
  return [value, change];
}

/** The same for yes and no. */
export function useRememberedFlag(key: string, initial: boolean): [boolean, (value: boolean) => void] {
  const [value, change] = useRemembered(key, initial ? "yes" : "no");
  return [value === "yes", (next) => change(next ? "yes" : "no")];
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}
