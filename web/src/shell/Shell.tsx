import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { ChevronLeft, PanelLeft } from "lucide-react";
import { lazy, Suspense, useState } from "react";

import { projectsQuery, sessionsQuery } from "@/api/queries";
import { useReadAhead } from "@/features/conversation/read_ahead";
import { useOpenFromNotice } from "@/features/push/open_from_notice";
import { neighbour, sessionsOf } from "@/features/session/attention";
import { arriving } from "@/ui/arriving";
import { IconButton } from "@/ui/IconButton";
import { useRemembered, useRememberedFlag } from "@/ui/remembered";
import { useIsPhone } from "@/ui/screen";
import { WidthHandle } from "@/ui/WidthHandle";

import { useNotices } from "./notices";
import { useOverviewStream } from "./overview";
import { useShortcuts } from "./shortcuts";
import { Sidebar } from "./Sidebar";

const WIDTH_PX = 256;
const LEAST_PX = 200;
const MOST_PX = 420;

const Palette = lazy(() => arriving(() => import("./Palette")));

/** The frame around every page but sign-in: the sidebar, the palette, what is heard everywhere. */
export function Shell() {
  useOverviewStream();
  useNotices();
  useOpenFromNotice();
  const isPhone = useIsPhone();
  const sessions = useQuery(sessionsQuery).data;
  // What is not looked at is not paid for on a phone.
  useReadAhead(isPhone ? undefined : sessions);
  const [isOpen, setIsOpen] = useRememberedFlag("sidebar-open", true);
  const [isSearching, setIsSearching] = useState(false);
  const step = useStep();
  useShortcuts({ onSearch: () => setIsSearching(true), onFold: () => setIsOpen(!isOpen), onStep: step });
  const search = () => setIsSearching(true);
  return (
    <>
      {isPhone ? (
        <OnPhone onSearch={search} />
      ) : (
        <div className="flex h-full">
          {isOpen ? (
            <SizedSidebar onSearch={search} onFold={() => setIsOpen(false)} />
          ) : (
            <div className="border-r p-2">
              <IconButton label="Show the sidebar" shortcut="Ctrl B" onClick={() => setIsOpen(true)}>
                <PanelLeft />
              </IconButton>
            </div>
          )}
          <main className="h-full min-w-0 flex-1">
            <Outlet />
          </main>
        </div>
      )}
      {isSearching && (
        <Suspense>
          <Palette onClose={() => setIsSearching(false)} />
        </Suspense>
      )}
    </>
  );
}

/** As wide as its user made it on this device. */
function SizedSidebar(actions: { onSearch: () => void; onFold: () => void }) {
  const [remembered, remember] = useRemembered("sidebar-width", String(WIDTH_PX));
  const width = Number(remembered) || WIDTH_PX;
  return (
    <div className="relative shrink-0" style={{ width }}>
      <Sidebar
        {...actions}
        handle={
          <WidthHandle
            label="Width of the sidebar"
            width={width}
            onChange={(wanted) => remember(String(wanted))}
            least={LEAST_PX}
            most={MOST_PX}
          />
        }
      />
    </div>
  );
}

/** On a phone the list of sessions is the start page itself, and every other page leads back to it. */
function OnPhone({ onSearch }: { onSearch: () => void }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  if (path === "/") {
    return (
      <main className="h-full">
        <Sidebar onSearch={onSearch} onFold={null} />
      </main>
    );
  }
  // A session has tabs of its own, with the way back among them.
  const hasTabs = path.startsWith("/sessions/");
  return (
    <main className="flex h-full flex-col">
      {!hasTabs && (
        <Link to="/" className="flex h-11 shrink-0 items-center gap-1 border-b px-3 text-ink-2">
          <ChevronLeft className="size-4" aria-hidden />
          Sessions
        </Link>
      )}
      <div className="min-h-0 flex-1">
        <Outlet />
      </div>
    </main>
  );
}

function useStep(): (step: 1 | -1) => void {
  const { data: projects = [] } = useQuery(projectsQuery);
  const { data: sessions = [] } = useQuery(sessionsQuery);
  const current = useParams({ strict: false }).session;
  const navigate = useNavigate();
  return (step) => {
    const listed = projects.flatMap((project) => sessionsOf(project, sessions));
    const next = neighbour(listed, current, step);
    if (next) void navigate({ to: "/sessions/$session/{-$panel}", params: { session: next.id } });
  };
}
