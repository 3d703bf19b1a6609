import { Tooltip as Radix } from "radix-ui";
import type { ReactNode } from "react";

import { Keys } from "./Keys";

interface Props {
  text: string;
  shortcut?: string | undefined;
  children: ReactNode;
}

/** Says what a control does when the pointer rests on it or it has the focus. Needs `Radix.Provider` above (main.tsx). */
export function Tooltip({ text, shortcut, children }: Props) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          sideOffset={5}
          collisionPadding={8}
          className="z-50 flex max-w-72 animate-appear items-center gap-2 rounded-md bg-ink px-2 py-1 text-xs text-surface select-none"
        >
          {text}
          {shortcut && <Keys keys={shortcut} />}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
