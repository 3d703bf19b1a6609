import { WifiOff } from "lucide-react";

import type { Connection } from "@/features/session/stream";

/** Says that what is shown may be old, while the connection is lost. */
export function ConnectionNotice({ connection }: { connection: Connection }) {
  if (connection !== "lost") return null;
  return (
    <p
      role="status"
      className="absolute top-2 left-1/2 flex -translate-x-1/2 animate-appear items-center gap-2 rounded-full border bg-raised px-3 py-1 text-xs text-ink-2 shadow-float"
    >
      <WifiOff className="size-3.5" aria-hidden /> Connection lost: it comes back by itself
    </p>
  );
}
