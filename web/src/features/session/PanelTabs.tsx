import { useNavigate } from "@tanstack/react-router";

import type { SessionBody } from "@/api/types";
import { Tabs } from "@/ui/Tabs";

import { PANEL_TITLES, type PanelName, PANELS } from "./panels";

const TABS = PANELS.map((panel) => ({ value: panel, name: PANEL_TITLES[panel] }));

/** Chooses the panel beside the conversation; the address names it. */
export function PanelTabs({ session, panel }: { session: SessionBody; panel: PanelName }) {
  const navigate = useNavigate();
  return (
    <Tabs
      label="Panels"
      value={panel}
      tabs={TABS}
      onChange={(chosen) =>
        void navigate({
          to: "/sessions/$session/{-$panel}",
          params: { session: session.id, panel: chosen },
          replace: true,
        })
      }
    />
  );
}
