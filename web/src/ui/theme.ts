import { useSyncExternalStore } from "react";

/** What the user chose; `system` follows the operating system. The first paint is made right by public/theme.js. */
export type ThemeChoice = "system" | "light" | "dark";

const KEY = "lot:theme";
const listeners = new Set<() => void>();
const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

export function readTheme(): ThemeChoice {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function isDark(): boolean {
  const choice = readTheme();
  return choice === "dark" || (choice === "system" && systemIsDark.matches);
}

export function chooseTheme(choice: ThemeChoice): void {
  if (choice === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, choice);
  apply();
}

/** The choice, and whether the page is dark now. */
export function useTheme(): { choice: ThemeChoice; dark: boolean } {
  const choice = useSyncExternalStore(subscribe, readTheme);
  const dark = useSyncExternalStore(subscribe, isDark);
  return { choice, dark };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply(): void {
  document.documentElement.classList.toggle("dark", isDark());
  for (const listener of listeners) listener();
}

systemIsDark.addEventListener("change", apply);
