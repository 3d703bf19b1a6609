/** State that outlives its component: for as long as the page lives (`useKept`), or on this device (`useStored`). */
import { useCallback, useState, useSyncExternalStore } from "react";

const kept = new Map<string, unknown>();

/** As `useState`, but a component of the same key that is shown again goes on from the last value. */
export function useKept<T>(key: string, initial: T): [T, (next: T | ((before: T) => T)) => void] {
  const [value, setValue] = useState<T>(() => (kept.has(key) ? (kept.get(key) as T) : initial));
  const set = useCallback(
    (next: T | ((before: T) => T)) =>
      setValue((before) => {
        const after = typeof next === "function" ? (next as (before: T) => T)(before) : next;
        kept.set(key, after);
        return after;
      }),
    [key],
  );
  return [value, set];
}

const listeners = new Set<() => void>();

/** A choice among a few words that this device remembers; what is stored and none of them counts as the first. */
export function useStored<T extends string>(
  name: string,
  choices: readonly [T, ...T[]],
): [T, (next: T) => void] {
  const key = `lot:${name}`;
  const stored = useSyncExternalStore(subscribe, () => localStorage.getItem(key));
  const set = useCallback(
    (next: T) => {
      localStorage.setItem(key, next);
      for (const listener of listeners) listener();
    },
    [key],
  );
  return [choices.find((choice) => choice === stored) ?? choices[0], set];
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
