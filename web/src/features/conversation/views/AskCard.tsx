import { Hourglass } from "lucide-react";
import type { ReactNode } from "react";

/** Stands out in the conversation: here something is asked of the user. */
export function AskCard({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section
      aria-label={title}
      className="my-2 flex flex-col gap-3 rounded-xl border border-waiting/35 bg-waiting-soft/60 p-4"
    >
      <p className="flex items-center gap-2 font-semibold text-waiting">
        <Hourglass className="size-4" aria-hidden />
        {title}
      </p>
      {children}
    </section>
  );
}

export function AskError({ error }: { error: Error | null }) {
  if (error === null) return null;
  return (
    <p role="alert" className="text-errored">
      {error.message}
    </p>
  );
}
