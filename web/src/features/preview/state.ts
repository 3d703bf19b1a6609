/** What a preview shows, decided from the session, from what listens in it, and from what its dev server does. */
import type { EventOf, PortBody, SessionBody } from "@/api/types";

export type DevServer = Pick<EventOf<"dev_server_changed">, "status" | "detail">;

export type PreviewState =
  | { kind: "shown"; port: PortBody }
  | { kind: "paused" }
  /** The sandbox or the dev server is on its way. */
  | { kind: "starting"; what: string }
  | { kind: "crashed"; detail: string | null }
  | { kind: "nothing"; port: number | null; others: readonly PortBody[] };

interface Given {
  session: Pick<SessionBody, "sandbox" | "label" | "preview">;
  /** Undefined while it is not known. */
  ports: readonly PortBody[] | undefined;
  /** Chosen by hand; null: the project's own. */
  chosen: number | null;
  /** Its newest change; null while none was heard of. */
  dev: DevServer | null;
}

export function previewState({ session, ports, chosen, dev }: Given): PreviewState {
  if (session.sandbox === "paused" || session.sandbox === "pausing") return { kind: "paused" };
  if (session.sandbox !== "on") return { kind: "starting", what: `${session.label}…` };
  if (ports === undefined) return { kind: "starting", what: "Looking for the app…" };
  const main = mainPort(session, ports);
  const wanted = chosen ?? main;
  const found = ports.find((one) => one.port === wanted);
  if (found) return { kind: "shown", port: found };
  const isOfDev = wanted === null || wanted === main;
  if (isOfDev && dev?.status === "exited") return { kind: "crashed", detail: dev.detail };
  if (isOfDev && dev?.status === "starting") return { kind: "starting", what: "The dev server is starting…" };
  return { kind: "nothing", port: wanted, others: ports };
}

/** Returns the port at which the project's app is seen; null: it has none. */
export function mainPort(session: Pick<SessionBody, "preview">, ports: readonly PortBody[]): number | null {
  return session.preview?.port ?? ports.find((one) => one.is_main)?.port ?? null;
}
