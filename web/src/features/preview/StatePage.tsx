import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleX, PlugZap } from "lucide-react";

import { api } from "@/api/client";
import type { SessionBody } from "@/api/types";
import { ResumeNotice } from "@/features/session/ResumeNotice";
import { Button } from "@/ui/Button";
import { Empty, Loading } from "@/ui/states";
import { tellError } from "@/ui/toasts";

import { endOf } from "./log_end";
import { devLogQuery } from "./queries";
import type { PreviewState } from "./state";

interface Props {
  session: SessionBody;
  state: Exclude<PreviewState, { kind: "shown" }>;
  onPort: (port: number) => void;
}

/** Stands in the app's place, and says why. */
export function StatePage({ session, state, onPort }: Props) {
  switch (state.kind) {
    case "paused":
      return <ResumeNotice session={session} what="The preview" />;
    case "starting":
      return <Loading label={state.what} />;
    case "crashed":
      return <Crashed session={session} detail={state.detail} />;
    case "nothing":
      return <Nothing session={session} state={state} onPort={onPort} />;
  }
}

function Crashed({ session, detail }: { session: SessionBody; detail: string | null }) {
  const { data: log } = useQuery(devLogQuery(session.id));
  const end = endOf(log ?? detail ?? "");
  return (
    <div className="min-h-0 flex-1 overflow-y-auto p-6">
      <div className="mx-auto flex max-w-2xl flex-col gap-3">
        <p className="flex items-center gap-2 font-semibold">
          <CircleX className="size-5 text-errored" aria-hidden /> The dev server has crashed
        </p>
        {end ? (
          <pre
            tabIndex={0}
            aria-label="End of its log"
            className="max-h-80 overflow-auto rounded-lg border bg-sunken p-3 font-mono text-xs leading-5 whitespace-pre-wrap"
          >
            {end}
          </pre>
        ) : (
          <p className="text-ink-2">It printed nothing.</p>
        )}
        <div className="flex flex-wrap gap-2">
          <RestartButton session={session} />
          <OpenLogs session={session} />
        </div>
      </div>
    </div>
  );
}

function Nothing({ session, state, onPort }: Props & { state: Extract<PreviewState, { kind: "nothing" }> }) {
  return (
    <Empty
      icon={<PlugZap />}
      title={state.port === null ? "No app to show yet" : `Nothing listens on port ${state.port}`}
      actions={
        <>
          {state.others.slice(0, 6).map((one) => (
            <Button key={one.port} onClick={() => onPort(one.port)}>
              Show port {one.port}
              {one.name && ` (${one.name})`}
            </Button>
          ))}
          <RestartButton session={session} />
          <OpenLogs session={session} />
        </>
      }
    >
      {state.others.length > 0
        ? "Other ports are listened on."
        : "As soon as something listens, it is shown here. The logs say what the dev server does."}
    </Empty>
  );
}

function RestartButton({ session }: { session: SessionBody }) {
  const restart = useMutation({
    mutationFn: () =>
      api.POST("/api/sessions/{session}/dev-server/restart", { params: { path: { session: session.id } } }),
    onError: tellError,
  });
  return (
    <Button busy={restart.isPending} onClick={() => restart.mutate()}>
      Restart the dev server
    </Button>
  );
}

function OpenLogs({ session }: { session: SessionBody }) {
  return (
    <Link
      to="/sessions/$session/{-$panel}"
      params={{ session: session.id, panel: "logs" }}
      className="inline-flex h-9 items-center rounded-lg px-3.5 font-medium text-ink-2 hover:bg-sunken hover:text-ink"
    >
      Open Logs
    </Link>
  );
}
