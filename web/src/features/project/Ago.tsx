import { useNow } from "@/ui/clock";
import { agoOf } from "@/ui/format";

/** How long ago an instant was; the instant itself on pointing. */
export function Ago({ at, className }: { at: string; className?: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} className={className}>
      {agoOf(Date.parse(at), now)}
    </time>
  );
}
