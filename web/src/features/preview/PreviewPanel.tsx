import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import type { SessionBody } from "@/api/types";
import { isOn } from "@/features/session/label";
import { useSessionEvent } from "@/features/session/live";
import type { PanelProps } from "@/features/session/panels";
import { useKept, useStored } from "@/ui/kept";
import { Failed } from "@/ui/states";
import { tell, tellError } from "@/ui/toasts";
import { copyText } from "@/ui/clipboard";

import { type Device, plainAddress, signedAddress } from "./address";
import { AddressBar } from "./AddressBar";
import { PreviewFrame } from "./PreviewFrame";
import { portsQuery } from "./queries";
import { type DevServer, mainPort, previewState } from "./state";
import { StatePage } from "./StatePage";

/** The session's running app, on an origin of its own. */
export default function PreviewPanel({ session }: PanelProps) {
  const on = isOn(session);
  const { data, error, refetch } = useQuery(portsQuery(session.id, on));
  const ports = on ? data?.ports : undefined;
  const dev = useDevServer(session.id);
  const [chosen, choose] = useKept<number | null>(`preview-port:${session.id}`, null);
  const [path, setPath] = useKept(`preview-path:${session.id}`, "/");
  const [device, setDevice] = useStored<Device>("preview-device", ["full", "tablet", "phone"]);
  const [loads, setLoads] = useState(0);
  const state = previewState({ session, ports, chosen, dev });
  const restarts = useRestarts(dev);

  // Links are signed for an hour: the frame is given a fresh one each time it is loaded.
  const load = (to: string) => {
    setPath(to);
    void refetch().then(() => setLoads((count) => count + 1));
  };
  const openTab = () => {
    // Opened at once, as browsers allow it at a click only; the link follows.
    const tab = window.open("about:blank", "_blank");
    if (!tab) {
      tellError("The browser did not open a new tab. Allow it for this page, then try again.");
      return;
    }
    tab.opener = null;
    void refetch().then(({ data: fresh }) => {
      const port =
        state.kind === "shown" ? fresh?.ports.find((one) => one.port === state.port.port) : undefined;
      const signIn = port?.sign_in_url ?? session.preview?.sign_in_url;
      if (signIn) tab.location.href = signedAddress(signIn, path);
      else tab.close();
    });
  };

  return (
    <div className="flex h-full min-h-0 flex-col">
      <AddressBar
        key={path}
        path={path}
        ports={ports ?? []}
        port={chosen ?? mainPort(session, ports ?? [])}
        main={mainPort(session, ports ?? [])}
        device={device}
        isShown={state.kind === "shown"}
        onGo={load}
        onReload={() => load(path)}
        onPort={(port) => choose(port === mainPort(session, ports ?? []) ? null : port)}
        onDevice={setDevice}
        onOpenTab={openTab}
        onCopy={() => {
          const url = state.kind === "shown" ? state.port.url : session.preview?.url;
          if (url) void copyText(plainAddress(url, path)).then(() => tell("Address copied"), tellError);
        }}
      />
      {error && ports === undefined && on ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : state.kind === "shown" ? (
        <PreviewFrame
          key={`${state.port.port}:${loads}:${restarts}`}
          title={titleOf(session, state.port.port)}
          address={signedAddress(state.port.sign_in_url, path)}
          device={device}
        />
      ) : (
        <StatePage session={session} state={state} onPort={choose} />
      )}
    </div>
  );
}

function titleOf(session: SessionBody, port: number): string {
  return `Preview of ${session.title}, port ${port}`;
}

/** What the dev server did last, as far as it was heard of. */
function useDevServer(session: string): DevServer | null {
  const [dev, setDev] = useKept<DevServer | null>(`dev-server:${session}`, null);
  useSessionEvent(session, (event) => {
    if (event.kind === "dev_server_changed" && event.process === null)
      setDev({ status: event.status, detail: event.detail });
  });
  return dev;
}

/** Counts how often the dev server has come to answer again since this was first shown: the frame is loaded anew then. */
function useRestarts(dev: DevServer | null): number {
  const [count, setCount] = useState(0);
  const before = useRef(dev?.status);
  useEffect(() => {
    const isBack =
      dev?.status === "answering" && before.current !== "answering" && before.current !== undefined;
    before.current = dev?.status;
    if (isBack) setCount((times) => times + 1);
  }, [dev]);
  return count;
}
