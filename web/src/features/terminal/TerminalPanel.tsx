import "@xterm/xterm/css/xterm.css";

import { SquareTerminal } from "lucide-react";
import { useEffect, useState } from "react";

import type { SessionBody } from "@/api/types";
import { isOn, isPaused, labelOf } from "@/features/session/label";
import type { PanelProps } from "@/features/session/panels";
import { useSessionMoves } from "@/features/session/queries";
import { ResumeNotice } from "@/features/session/ResumeNotice";
import { Button } from "@/ui/Button";
import { Empty, Failed, Loading } from "@/ui/states";

import { ScreenKeys } from "./ScreenKeys";
import { TerminalSearch } from "./TerminalSearch";
import { TerminalTabs } from "./TerminalTabs";
import { TerminalView } from "./TerminalView";
import { useTerminals } from "./terminals";

/** Shells in the session's sandbox, in the same files as the agent's. */
export default function TerminalPanel({ session }: PanelProps) {
  const [terminals, state] = useTerminals(session.id);
  const [isSearching, setIsSearching] = useState(false);
  const [refusals, setRefusals] = useState(0);
  const on = isOn(session);
  const active = terminals.activeTab;

  useEffect(() => {
    void (on ? terminals.find() : terminals.findKept());
  }, [terminals, on]);

  if (!active) {
    if (!on) return <ResumeNotice session={session} what="Your terminals" />;
    if (state.error) return <Failed error={state.error} onRetry={() => void terminals.find()} />;
    if (!state.isListed || state.isOpening) return <Loading label="Opening a terminal…" />;
    return (
      <Empty
        icon={<SquareTerminal />}
        title="No terminal is open"
        actions={
          <Button tone="primary" onClick={() => void terminals.open()}>
            New terminal
          </Button>
        }
      >
        A shell in this session's sandbox, in the same files as the agent's.
      </Empty>
    );
  }
  return (
    <div className="flex h-full min-h-0 flex-col bg-surface">
      <TerminalTabs
        state={state}
        canOpen={on}
        onShow={(name) => terminals.show(name)}
        onOpen={() => void terminals.open()}
        onClose={(name) => void terminals.close(name)}
        onSearch={() => setIsSearching(true)}
      />
      {state.error && (
        <p role="alert" className="bg-errored-soft px-3 py-1.5 text-errored">
          {state.error}
        </p>
      )}
      <div className="relative min-h-0 flex-1">
        <TerminalView
          key={active.name}
          terminal={active}
          isOn={on}
          onChanged={terminals.tellChanged}
          onSearch={() => setIsSearching(true)}
          onRefused={() => setRefusals((count) => count + 1)}
        />
        {isSearching && (
          <TerminalSearch
            key={`search-${active.name}`}
            terminal={active}
            onClose={() => {
              setIsSearching(false);
              active.focus();
            }}
          />
        )}
      </div>
      {on && active.status !== "ended" && <ScreenKeys terminal={active} />}
      {!on && <OffBar session={session} refusals={refusals} />}
      {on && active.status === "lost" && (
        <p role="status" className="border-t bg-waiting-soft px-3 py-1.5 text-waiting">
          The connection was lost; it comes back by itself, and what is printed meanwhile comes with it.
        </p>
      )}
    </div>
  );
}

/** Below what a terminal showed last, while its sandbox is off. */
function OffBar({ session, refusals }: { session: SessionBody; refusals: number }) {
  const { resume } = useSessionMoves(session.id);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2 border-t bg-paused-soft px-3 py-2">
      <p role="status" className="min-w-0 flex-1 text-pretty text-ink-2">
        {!isPaused(session) ? (
          `${labelOf(session)}…`
        ) : refusals === 0 ? (
          <>
            <strong className="font-semibold text-paused">Paused.</strong> What runs here goes on when the
            session is resumed; the agent is not started.
          </>
        ) : (
          <strong key={refusals} className="animate-appear font-semibold text-paused">
            Nothing can be typed while the session is paused.
          </strong>
        )}
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
