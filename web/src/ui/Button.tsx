import { LoaderCircle } from "lucide-react";
import type { ComponentProps } from "react";

import { classes } from "./classes";

type Tone = "primary" | "plain" | "quiet" | "danger";

const TONES: Record<Tone, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong",
  plain: "border bg-raised text-ink hover:border-line-strong hover:bg-sunken",
  quiet: "text-ink-2 hover:bg-sunken hover:text-ink",
  danger: "border border-transparent bg-errored text-surface hover:brightness-95 dark:text-sunken",
};

interface Props extends ComponentProps<"button"> {
  tone?: Tone;
  size?: "small" | "normal";
  /** Its action is under way: it stays focused, says so, and does nothing more. */
  busy?: boolean;
}

/** A button with a word on it. For one with a symbol alone: `IconButton`. */
export function Button({
  tone = "plain",
  size = "normal",
  busy = false,
  className,
  children,
  onClick,
  ...rest
}: Props) {
  return (
    <button
      type="button"
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? undefined : onClick}
      className={classes(
        "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-lg font-medium whitespace-nowrap transition-colors select-none",
        "disabled:pointer-events-none disabled:opacity-45 [&_svg]:size-4 [&_svg]:shrink-0",
        size === "small" ? "h-7 px-2.5 text-[0.8125rem]" : "h-9 px-3.5",
        TONES[tone],
        className,
      )}
      {...rest}
    >
      {busy && <LoaderCircle className="animate-spin" aria-hidden />}
      {children}
    </button>
  );
}
