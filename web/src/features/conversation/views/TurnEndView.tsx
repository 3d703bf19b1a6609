import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleAlert } from "lucide-react";
import { memo, use } from "react";

import { providersQuery } from "@/api/queries";
import { sessionQuery } from "@/features/session/queries";
import { countOf, durationOf, instantOf, moneyOf } from "@/ui/format";

import { SessionContext } from "../folding";
import type { TurnEndItem } from "../items";

const UNAUTHORIZED = 401;

/** How a turn ended: what it took, or why it failed. */
export const TurnEndView = memo(function TurnEndView({ item }: { item: TurnEndItem }) {
  const { event } = item;
  if (event.kind === "turn_failed") {
    return (
      <div role="alert" className="my-2 flex gap-2.5 rounded-xl border border-errored/30 bg-errored-soft p-4">
        <CircleAlert className="mt-0.5 size-4 shrink-0 text-errored" aria-hidden />
        <div className="min-w-0 break-words">
          <p className="font-semibold text-errored">
            The turn failed{event.status === null ? "" : ` (${event.status})`}
          </p>
          <p>{event.reason}</p>
          <p className="text-ink-2">
            <KeyLink status={event.status} />
            Your next message tries again.
          </p>
        </div>
      </div>
    );
  }
  const tokens = (event.input_tokens ?? 0) + (event.output_tokens ?? 0);
  const facts = [
    event.outcome === "interrupted" && (event.reason ?? "Stopped"),
    event.duration_s !== null && durationOf(event.duration_s),
    tokens > 0 && `${countOf(tokens)} tokens`,
    event.cost_usd !== null && moneyOf(event.cost_usd),
    instantOf(event.at),
  ].filter((fact) => fact !== false);
  return <p className="pt-1 pb-3 text-xs text-ink-3">{facts.join(" · ")}</p>;
});

/** The way to the key where that is what is missing: the provider refused it, or cannot be asked for want of one. */
function KeyLink({ status }: { status: number | null }) {
  const { data: session } = useQuery(sessionQuery(use(SessionContext)));
  const { data: providers } = useQuery(providersQuery);
  const provider = providers?.find(({ name }) => name === session?.provider);
  if (status !== UNAUTHORIZED && provider?.is_ready !== false) return null;
  return (
    <>
      <Link
        to="/settings/{-$section}"
        params={{ section: "providers" }}
        className="text-accent underline underline-offset-4"
      >
        Set the key in Settings › Providers
      </Link>
      .{" "}
    </>
  );
}
