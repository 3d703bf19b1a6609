import type { ComponentProps } from "react";
import { Group, Panel, Separator, useDefaultLayout } from "react-resizable-panels";

import { classes } from "./classes";

interface Props extends ComponentProps<typeof Group> {
  /** Under which the browser remembers the widths. */
  id: string;
  /** Ids of the columns that are there now: each set of them has widths of its own. */
  panelIds: string[];
}

/** Columns beside each other, whose widths are the user's. Children: `Column`s with a `ColumnHandle` in between. */
export function Columns({ id, panelIds, ...rest }: Props) {
  const layout = useDefaultLayout({ id, panelIds, storage: localStorage });
  return <Group id={id} {...layout} {...rest} />;
}

export const Column = Panel;

export function ColumnHandle({ label, className }: { label: string; className?: string }) {
  return (
    <Separator
      aria-label={label}
      className={classes(
        "relative w-px shrink-0 bg-line transition-colors outline-none after:absolute after:-inset-x-1 after:inset-y-0 hover:bg-accent focus-visible:bg-focus data-[separator=active]:bg-accent",
        className,
      )}
    />
  );
}
