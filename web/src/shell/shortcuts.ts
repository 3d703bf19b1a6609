/** Keys that work everywhere in the application. */
import { useEffect, useEffectEvent } from "react";

export interface Shortcuts {
  onSearch: () => void;
  onFold: () => void;
  /** One session further down or up in the sidebar. */
  onStep: (step: 1 | -1) => void;
}

export function useShortcuts(shortcuts: Shortcuts): void {
  const hear = useEffectEvent((event: KeyboardEvent) => {
    const key = event.key.toLowerCase();
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (isCommand && key === "k") act(event, shortcuts.onSearch);
    else if (isCommand && key === "b") act(event, shortcuts.onFold);
    else if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    else if (key === "j") act(event, () => shortcuts.onStep(1));
    else if (key === "k") act(event, () => shortcuts.onStep(-1));
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => hear(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}

function act(event: KeyboardEvent, action: () => void): void {
  event.preventDefault();
  action();
}

/** Whether what is typed belongs to a field, a terminal or an open window. */
function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest("input, textarea, select, [role=dialog], [role=menu], .xterm") !== null
  );
}
