import { CircleAlert, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";

import { Button } from "./Button";
import { classes } from "./classes";

/** Shown in a panel while its content is on its way; says nothing before 300 ms, so that quick answers do not flicker. */
export function Loading({ label = "Loading" }: { label?: string }) {
  return (
    <div
      role="status"
      className="flex h-full [animation:appear_200ms_300ms_both] items-center justify-center gap-2 p-6 text-ink-3"
    >
      <LoaderCircle className="size-4 animate-spin" aria-hidden />
      {label}
    </div>
  );
}

interface EmptyProps {
  icon?: ReactNode;
  title: string;
  /** It is all that the page says, so its title is the page's heading. */
  isPage?: boolean;
  children?: ReactNode;
  actions?: ReactNode;
  className?: string;
}

/** Shown in place of content that is not there: what that means, and what to do. */
export function Empty({ icon, title, isPage = false, children, actions, className }: EmptyProps) {
  const Title = isPage ? "h1" : "p";
  return (
    <div
      className={classes("flex h-full flex-col items-center justify-center gap-2 p-8 text-center", className)}
    >
      {icon && <span className="mb-1 text-ink-3 [&_svg]:size-7 [&_svg]:stroke-[1.5]">{icon}</span>}
      <Title className="font-semibold text-balance">{title}</Title>
      {children && <div className="max-w-sm text-pretty text-ink-2">{children}</div>}
      {actions && <div className="mt-2 flex flex-wrap justify-center gap-2">{actions}</div>}
    </div>
  );
}

/** Shown where something could not be read: its reason, and a way to try again. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <Empty
      icon={<CircleAlert />}
      title="This could not be read"
      actions={onRetry && <Button onClick={onRetry}>Try again</Button>}
    >
      <span role="alert">{error instanceof Error ? error.message : String(error)}</span>
    </Empty>
  );
}
