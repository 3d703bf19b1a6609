import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ScrollText } from "lucide-react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";
import type { SessionBody } from "@/api/types";
import { isOn, isPaused, labelOf } from "@/features/session/label";
import { useSessionEvent } from "@/features/session/live";
import type { PanelProps } from "@/features/session/panels";
import { useSessionMoves } from "@/features/session/queries";
import { Button } from "@/ui/Button";
import { useKept, useStored } from "@/ui/kept";
import { Empty, Failed, Loading } from "@/ui/states";
import { tell, tellError } from "@/ui/toasts";
import { copyText } from "@/ui/clipboard";

import { FollowedLog, type LogState } from "./followed_log";
import { LogToolbar } from "./LogToolbar";
import { LogView } from "./LogView";
import { logsOf } from "./processes";
import { findMatches, stepTo } from "./search";

/** What the dev server, what runs beside it and the setup have printed. */
export default function LogsPanel({ session }: PanelProps) {
  const logs = logsOf(session.processes);
  const [chosen, choose] = useKept(`log:${session.id}`, "dev");
  const process = logs.some((one) => one.process === chosen) ? chosen : "dev";
  return (
    <Log
      key={`${process}:${isOn(session) ? "on" : "off"}`}
      session={session}
      process={process}
      onChoose={choose}
    />
  );
}

interface LogProps {
  session: SessionBody;
  process: string;
  onChoose: (process: string) => void;
}

function Log({ session, process, onChoose }: LogProps) {
  const on = isOn(session);
  const [log, state] = useFollowedLog(session.id, process, on);
  const [words, setWords] = useState("");
  const [place, setPlace] = useState(0);
  const [wrap, setWrap] = useStored("log-wrap", ["wrapped", "long"]);
  const matches = useMemo(() => findMatches(state.lines, words), [state.lines, words]);
  const current = Math.min(place, Math.max(0, matches.length - 1));
  const restart = useRestart(session.id);

  const text = () => state.lines.map((line) => line.text).join("\n");
  return (
    <div className="flex h-full min-h-0 flex-col bg-surface">
      <LogToolbar
        session={session}
        process={process}
        onChoose={onChoose}
        words={words}
        onWords={(next) => {
          setWords(next);
          setPlace(Number.MAX_SAFE_INTEGER); // The newest match is what one looks for in a log.
        }}
        matches={{ count: matches.length, current }}
        onStep={(step) => setPlace(stepTo(current, step, matches.length))}
        isWrapped={wrap === "wrapped"}
        onWrap={() => setWrap(wrap === "wrapped" ? "long" : "wrapped")}
        onCopy={() => void copyText(text()).then(() => tell("Log copied"), tellError)}
        onDownload={() => download(`${session.project_name}-${process}.log`, text())}
        onRestart={on ? () => restart.mutate() : null}
        isRestarting={restart.isPending}
      />
      {state.error ? (
        <Failed error={state.error} onRetry={() => void log.start(on)} />
      ) : state.lines.length > 0 ? (
        <LogView
          lines={state.lines}
          isWrapped={wrap === "wrapped"}
          matches={matches}
          current={current}
          label={`Log of ${process}`}
        />
      ) : (
        <Nothing state={state} process={process} />
      )}
      <Foot session={session} state={state} />
    </div>
  );
}

function useFollowedLog(session: string, process: string, isOn: boolean): [FollowedLog, LogState] {
  const log = useMemo(() => new FollowedLog(session, process), [session, process]);
  useEffect(() => {
    void log.start(isOn);
    return () => log.stop();
  }, [log, isOn]);
  useSessionEvent(session, (event) => {
    if (event.kind === "dev_server_changed" && isOn) void log.again();
  });
  return [log, useSyncExternalStore(log.subscribe, () => log.state)];
}

function useRestart(session: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      read(api.POST("/api/sessions/{session}/dev-server/restart", { params: { path: { session } } })),
    onSuccess: (body) => {
      client.setQueryData(keys.session(session), body);
      tell("The dev server is starting again");
    },
    onError: tellError,
  });
}

function Nothing({ state, process }: { state: LogState; process: string }) {
  if (state.status === "reading" || state.status === "connecting") return <Loading />;
  return (
    <Empty icon={<ScrollText />} title={state.status === "none" ? "Not started" : "Nothing printed yet"}>
      {process === "setup"
        ? "What a session installs when it starts is printed here."
        : "What it prints appears here at once."}
    </Empty>
  );
}

function Foot({ session, state }: { session: SessionBody; state: LogState }) {
  const { resume } = useSessionMoves(session.id);
  if (!isOn(session)) {
    return (
      <div className="flex min-h-10 items-center gap-3 border-t bg-paused-soft px-3 py-1.5">
        <p role="status" className="min-w-0 flex-1 text-ink-2">
          {isPaused(session) ? "Paused. This is the log as it was then." : `${labelOf(session)}…`}
          {resume.error && (
            <span role="alert" className="block text-errored">
              {resume.error.message}
            </span>
          )}
        </p>
        {isPaused(session) && (
          <Button tone="primary" size="small" busy={resume.isPending} onClick={() => resume.mutate()}>
            Resume
          </Button>
        )}
      </div>
    );
  }
  if (state.status === "ended") {
    const code = state.exitCode === null ? "" : ` with exit code ${state.exitCode}`;
    return (
      <p role="status" className="border-t px-3 py-1.5 text-ink-2">
        It has ended{code}.
      </p>
    );
  }
  if (state.status === "lost") {
    return (
      <p role="status" className="border-t bg-waiting-soft px-3 py-1.5 text-waiting">
        The connection was lost; it comes back by itself.
      </p>
    );
  }
  return null;
}

function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
