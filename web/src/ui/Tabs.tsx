import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

import { classes } from "./classes";

interface Props<T extends string> {
  value: T;
  onChange: (value: T) => void;
  tabs: readonly { value: T; name: ReactNode; badge?: ReactNode }[];
  label: string;
  className?: string;
}

/** A row of tabs; what they show is the caller's. */
export function Tabs<T extends string>({ value, onChange, tabs, label, className }: Props<T>) {
  return (
    <Radix.Root
      className="max-w-full min-w-0"
      value={value}
      onValueChange={(chosen) => onChange(chosen as T)}
      activationMode="manual"
    >
      <Radix.List aria-label={label} className={classes("flex gap-0.5", className)}>
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            aria-controls={undefined}
            className="inline-flex h-8 items-center gap-1.5 rounded-md px-2.5 font-medium text-ink-2 transition-colors hover:text-ink data-[state=active]:bg-sunken data-[state=active]:text-ink"
          >
            {tab.name}
            {tab.badge}
          </Radix.Trigger>
        ))}
      </Radix.List>
    </Radix.Root>
  );
}
