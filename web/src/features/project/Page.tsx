import type { ReactNode } from "react";

import { classes } from "@/ui/classes";

interface PageProps {
  title: ReactNode;
  /** A quiet line below the title. */
  subtitle?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}

/** A page that is read from top to bottom, beside the sidebar; scrolls by itself. */
export function Page({ title, subtitle, actions, children, className }: PageProps) {
  return (
    <div className="h-full overflow-y-auto">
      <div className={classes("mx-auto max-w-4xl px-4 pt-6 pb-16 md:px-8 md:pt-8", className)}>
        <header className="mb-6 flex flex-wrap items-start gap-x-4 gap-y-3">
          <div className="min-w-0 flex-1 basis-64">
            <h1 className="text-xl font-semibold tracking-tight break-words">{title}</h1>
            {subtitle && <div className="mt-0.5 text-pretty break-words text-ink-2">{subtitle}</div>}
          </div>
          {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
        </header>
        <div className="flex flex-col gap-5">{children}</div>
      </div>
    </div>
  );
}

interface SectionProps {
  title: string;
  /** What the section is about, where its title does not say it. */
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}

/** A part of a page under a heading of its own. */
export function Section({ title, hint, actions, children, className }: SectionProps) {
  return (
    <section aria-label={title} className="rounded-xl border bg-surface">
      <header className="flex flex-wrap items-start gap-x-4 gap-y-2 px-4 pt-4 md:px-5">
        <div className="min-w-0 flex-1 basis-48">
          <h2 className="text-base font-semibold">{title}</h2>
          {hint && <p className="mt-0.5 text-pretty text-ink-3">{hint}</p>}
        </div>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
      <div className={classes("px-4 pt-3 pb-4 md:px-5 md:pb-5", className)}>{children}</div>
    </section>
  );
}

/** Names and what they are, in two columns. */
export function Facts({ facts }: { facts: readonly { name: string; value: ReactNode }[] }) {
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-1.5">
      {facts.map(({ name, value }) => (
        <div key={name} className="contents">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What went wrong with something that was asked for, where it was asked. */
export function Problem({ error }: { error: Error | null }) {
  return (
    <div role="alert" className="empty:hidden">
      {error && (
        <p className="rounded-lg bg-errored-soft px-3 py-2 text-pretty break-words text-errored">
          {error.message}
        </p>
      )}
    </div>
  );
}
