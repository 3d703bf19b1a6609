import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp } from "lucide-react";
import type { ReactNode } from "react";

import { classes } from "@/ui/classes";

import { bytesOf, type ScreenKey } from "./keys";
import type { LiveTerminal } from "./live_terminal";

const KEYS: readonly { key: ScreenKey; label: string; face: ReactNode }[] = [
  { key: "Esc", label: "Esc", face: "Esc" },
  { key: "Tab", label: "Tab", face: "Tab" },
  { key: "Left", label: "Left", face: <ArrowLeft /> },
  { key: "Down", label: "Down", face: <ArrowDown /> },
  { key: "Up", label: "Up", face: <ArrowUp /> },
  { key: "Right", label: "Right", face: <ArrowRight /> },
];

const FACE =
  "flex h-9 min-w-10 flex-1 items-center justify-center rounded-md border bg-raised px-2 text-sm font-medium text-ink-2 select-none active:bg-sunken [&_svg]:size-4";

/** Keys that a phone's keyboard lacks. They leave the focus, and so the keyboard, where it is. */
export function ScreenKeys({ terminal }: { terminal: LiveTerminal }) {
  const press = (data: string) => terminal.type(data);
  return (
    <div
      role="toolbar"
      aria-label="Keys"
      className="hidden shrink-0 gap-1 border-t bg-ground p-1.5 max-md:flex pointer-coarse:flex"
    >
      <button
        type="button"
        aria-pressed={terminal.isControlHeld}
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => terminal.holdControl(!terminal.isControlHeld)}
        className={classes(FACE, terminal.isControlHeld && "border-accent bg-accent-soft text-accent")}
      >
        Ctrl
      </button>
      {KEYS.map(({ key, label, face }) => (
        <button
          key={key}
          type="button"
          aria-label={label}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => press(bytesOf(key, terminal.isApplicationMode))}
          className={FACE}
        >
          {face}
        </button>
      ))}
      <button
        type="button"
        aria-label="^C: interrupt"
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => press("\x03")}
        className={FACE}
      >
        ^C
      </button>
    </div>
  );
}
