import { type RefObject, useEffect } from "react";

/** Brings a file's head to the top of the panel, with the focus. */
export function goToFile(scroller: HTMLElement | null, path: string): void {
  const section = scroller?.querySelector<HTMLElement>(`[data-file="${CSS.escape(path)}"]`);
  if (!section) return;
  section.scrollIntoView({ block: "start" });
  section.querySelector<HTMLElement>("[data-file-head]")?.focus({ preventScroll: true });
}

/** `n` and `p` go to the next and the previous file, wherever the focus is outside of what is written into. */
export function useFileKeys(scroller: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const step = event.key === "n" ? 1 : event.key === "p" ? -1 : 0;
      if (step === 0 || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
      const sections = [...(scroller.current?.querySelectorAll<HTMLElement>("[data-file]") ?? [])];
      const next = sections[placeNow(scroller.current, sections) + step];
      if (!next) return;
      event.preventDefault();
      goToFile(scroller.current, next.dataset.file ?? "");
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [scroller]);
}

/** Returns which file is at the top of what is seen; before the first key none is, so that `n` goes to the first. */
function placeNow(scroller: HTMLElement | null, sections: readonly HTMLElement[]): number {
  const focused = sections.findIndex((section) => section.contains(document.activeElement));
  if (focused >= 0) return focused;
  if (!scroller || scroller.scrollTop === 0) return -1;
  const top = scroller.getBoundingClientRect().top + 1;
  return sections.findLastIndex((section) => section.getBoundingClientRect().top <= top);
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("input, textarea, select, [contenteditable], [role=menu]") !== null
  );
}
