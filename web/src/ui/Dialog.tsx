import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";

import { classes } from "./classes";
import { IconButton } from "./IconButton";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** One or two sentences below the title. */
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons, the one that acts last. */
  actions?: ReactNode;
  className?: string;
}

/** A window above the page, which keeps the focus until it is closed. */
export function Dialog({ open, onOpenChange, title, description, children, actions, className }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 animate-appear bg-black/35" />
        <Radix.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          className={classes(
            "fixed inset-x-3 top-[12vh] z-40 mx-auto flex max-h-[76vh] max-w-lg animate-appear flex-col rounded-xl border bg-raised shadow-float focus:outline-none",
            className,
          )}
        >
          <header className="flex items-start gap-3 px-5 pt-4">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
              {description && (
                <Radix.Description className="mt-1 text-ink-2">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton label="Close" className="-mt-1 -mr-2">
                <X />
              </IconButton>
            </Radix.Close>
          </header>
          {children && <div className="min-h-0 overflow-y-auto px-5 pt-3">{children}</div>}
          <footer className="flex flex-wrap justify-end gap-2 px-5 pt-4 pb-5">{actions}</footer>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
