import { useState } from "react";

import { agoOf } from "./amounts";

/** How long ago an instant was, when this was first shown; the instant itself on pointing. */
export function Ago({ at, className }: { at: string; className?: string }) {
  const [now] = useState(Date.now);
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} className={className}>
      {agoOf(Date.parse(at), now)}
    </time>
  );
}
