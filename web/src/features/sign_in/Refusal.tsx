import { countdownOf } from "@/ui/format";

/** Why the server did not let one in, and how long to wait where it says so. Keeps its place in the page for readers. */
export function Refusal({ error, wait }: { error: Error | null; wait: number }) {
  return (
    <div role="alert" className="empty:hidden">
      {error && (
        <p className="rounded-lg bg-errored-soft px-3 py-2 text-pretty text-errored">
          {wait > 0 ? (
            <>
              Too many attempts. Try again in{" "}
              <span aria-live="off" className="font-semibold">
                {countdownOf(wait)}
              </span>
              .
            </>
          ) : (
            error.message
          )}
        </p>
      )}
    </div>
  );
}
