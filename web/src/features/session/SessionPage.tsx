import { Link, useParams } from "@tanstack/react-router";
import { PanelRight } from "lucide-react";
import { Suspense, useEffect } from "react";

import { isNotFound } from "@/api/errors";
import type { SessionBody } from "@/api/types";
import { Composer } from "@/features/conversation/views/Composer";
import { ConversationView } from "@/features/conversation/views/ConversationView";
import { Column, ColumnHandle, Columns } from "@/ui/Columns";
import { IconButton } from "@/ui/IconButton";
import { useRemembered, useRememberedFlag } from "@/ui/remembered";
import { useIsPhone } from "@/ui/screen";
import { Empty, Failed, Loading } from "@/ui/states";

import { useFreshness } from "./live";
import { isPanel, PANEL_VIEWS, type PanelName } from "./panels";
import { PanelTabs } from "./PanelTabs";
import { PhoneTabs } from "./PhoneTabs";
import { useSession } from "./queries";
import { useSeeing } from "./seeing";
import { SessionHeader } from "./SessionHeader";

/** A session: its conversation, and the panel that the address names. */
export default function SessionPage() {
  const { session: id } = useParams({ from: "/shell/sessions/$session/{-$panel}" });
  const { data: session, error, refetch } = useSession(id);
  if (session) return <Workspace session={session} />;
  if (isNotFound(error)) return <Gone />;
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  return <Loading />;
}

function Gone() {
  return (
    <Empty
      isPage
      title="There is no such session"
      actions={
        <Link to="/" className="text-accent underline underline-offset-4">
          Go to your sessions
        </Link>
      }
    >
      It was deleted, or the address is wrong.
    </Empty>
  );
}

function Workspace({ session }: { session: SessionBody }) {
  const named = useParams({ from: "/shell/sessions/$session/{-$panel}" }).panel;
  const [remembered, remember] = useRemembered("panel", "preview");
  const isPhone = useIsPhone();
  useFreshness(session);
  useSeeing(session);
  useEffect(() => {
    if (isPanel(named)) remember(named);
  }, [named, remember]);
  const shown = isPanel(named) ? named : isPanel(remembered) ? remembered : "preview";
  return isPhone ? (
    <OnPhone session={session} panel={isPanel(named) ? named : null} />
  ) : (
    <OnDesk session={session} panel={shown} />
  );
}

interface ViewProps<P> {
  session: SessionBody;
  panel: P;
}

function OnDesk({ session, panel }: ViewProps<PanelName>) {
  const [isOpen, setIsOpen] = useRememberedFlag("panel-open", true);
  const fold = (
    <IconButton
      label={isOpen ? "Fold the panel" : "Show the panel"}
      aria-pressed={isOpen}
      onClick={() => setIsOpen(!isOpen)}
    >
      <PanelRight />
    </IconButton>
  );
  return (
    <Columns id="session" panelIds={isOpen ? ["conversation", "panel"] : ["conversation"]}>
      <Column id="conversation" minSize="320px" className="flex min-w-0 flex-col">
        <SessionHeader session={session}>{!isOpen && fold}</SessionHeader>
        <Conversation session={session} />
      </Column>
      {isOpen && (
        <>
          <ColumnHandle label="Width of the panel" />
          <Column id="panel" defaultSize="50%" minSize="320px" className="flex min-w-0 flex-col bg-surface">
            <div className="flex min-h-13 shrink-0 items-center gap-2 border-b px-2">
              <PanelTabs session={session} panel={panel} />
              <span className="flex-1" />
              {fold}
            </div>
            <PanelContent session={session} panel={panel} />
          </Column>
        </>
      )}
    </Columns>
  );
}

function OnPhone({ session, panel }: ViewProps<PanelName | null>) {
  return (
    <div className="flex h-full flex-col">
      <SessionHeader session={session} />
      {panel === null ? <Conversation session={session} /> : <PanelContent session={session} panel={panel} />}
      <PhoneTabs session={session} panel={panel} />
    </div>
  );
}

function Conversation({ session }: { session: SessionBody }) {
  return (
    <>
      <ConversationView key={session.id} session={session} />
      <Composer key={`write-${session.id}`} session={session} />
    </>
  );
}

function PanelContent({ session, panel }: ViewProps<PanelName>) {
  const View = PANEL_VIEWS[panel];
  return (
    <div className="min-h-0 flex-1">
      <Suspense fallback={<Loading />}>
        <View key={session.id} session={session} />
      </Suspense>
    </div>
  );
}
