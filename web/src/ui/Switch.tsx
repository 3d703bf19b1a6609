import { Switch as Radix } from "radix-ui";
import type { ComponentProps } from "react";

import { classes } from "./classes";

/** On or off, at once. Needs a label: `aria-label`, or a `label` element with its id. */
export function Switch({ className, ...rest }: ComponentProps<typeof Radix.Root>) {
  return (
    <Radix.Root
      className={classes(
        "inline-flex h-5 w-9 shrink-0 items-center rounded-full bg-line-strong p-0.5 transition-colors disabled:opacity-45 data-[state=checked]:bg-accent",
        className,
      )}
      {...rest}
    >
      <Radix.Thumb className="size-4 rounded-full bg-surface transition-transform data-[state=checked]:translate-x-4 dark:bg-ink dark:data-[state=checked]:bg-sunken" />
    </Radix.Root>
  );
}
