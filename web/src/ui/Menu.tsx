import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";

import { classes } from "./classes";

const ITEM =
  "flex min-h-8 w-full items-center gap-2 rounded-md px-2 text-left outline-none select-none data-highlighted:bg-sunken data-disabled:opacity-45 [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-ink-3";

interface MenuProps {
  /** The button that opens it. */
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "center" | "end";
}

/** A list of actions or choices that a button opens. */
export function Menu({ trigger, children, align = "end" }: MenuProps) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className="z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 animate-appear overflow-y-auto rounded-lg border bg-raised p-1 shadow-float"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface MenuItemProps extends ComponentProps<typeof Radix.Item> {
  icon?: ReactNode;
  tone?: "plain" | "danger";
  /** A second, quieter line. */
  hint?: ReactNode;
}

export function MenuItem({ icon, tone = "plain", hint, className, children, ...rest }: MenuItemProps) {
  return (
    <Radix.Item
      className={classes(ITEM, tone === "danger" && "text-errored [&_svg]:text-errored", className)}
      {...rest}
    >
      {icon}
      <span className="min-w-0 flex-1 py-1">
        {children}
        {hint && <span className="block text-xs text-ink-3">{hint}</span>}
      </span>
    </Radix.Item>
  );
}

interface ChoiceProps<T extends string> {
  value: T;
  onChoose: (value: T) => void;
  choices: readonly { value: T; name: ReactNode; hint?: ReactNode; disabled?: boolean }[];
}

/** Choices within a menu, one of which holds. */
export function MenuChoices<T extends string>({ value, onChoose, choices }: ChoiceProps<T>) {
  return (
    <Radix.RadioGroup value={value} onValueChange={(chosen) => onChoose(chosen as T)}>
      {choices.map((choice) => (
        <Radix.RadioItem
          key={choice.value}
          value={choice.value}
          disabled={choice.disabled ?? false}
          className={ITEM}
        >
          <span className="min-w-0 flex-1 py-1">
            {choice.name}
            {choice.hint && <span className="block text-xs text-ink-3">{choice.hint}</span>}
          </span>
          <span className="size-4">
            <Radix.ItemIndicator>
              <Check />
            </Radix.ItemIndicator>
          </span>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2 pt-1.5 pb-0.5 text-xs text-ink-3">{children}</Radix.Label>;
}

export function MenuSeparator() {
  return <Radix.Separator className="-mx-1 my-1 h-px bg-line" />;
}
