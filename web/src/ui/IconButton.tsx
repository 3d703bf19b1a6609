import type { ComponentProps } from "react";

import { classes } from "./classes";
import { Tooltip } from "./Tooltip";

interface Props extends ComponentProps<"button"> {
  /** Its accessible name, and its tooltip. */
  label: string;
  size?: "small" | "normal";
  /** Shown behind the label in the tooltip, such as `Ctrl K`. */
  shortcut?: string;
}

/** A button with a symbol alone. */
export function IconButton({ label, size = "normal", shortcut, className, ...rest }: Props) {
  return (
    <Tooltip text={label} shortcut={shortcut}>
      <button
        type="button"
        aria-label={label}
        className={classes(
          "inline-flex shrink-0 items-center justify-center rounded-md text-ink-3 transition-colors hover:bg-sunken hover:text-ink",
          "disabled:pointer-events-none disabled:opacity-40 aria-pressed:bg-sunken aria-pressed:text-ink",
          size === "small" ? "size-6 [&_svg]:size-3.5" : "size-8 [&_svg]:size-4",
          className,
        )}
        {...rest}
      />
    </Tooltip>
  );
}
