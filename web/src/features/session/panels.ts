/** The panels beside a conversation: their names in addresses and on tabs, and how each is loaded when first shown. */
import { lazy, type ComponentType } from "react";

import type { SessionBody } from "@/api/types";
import { arriving } from "@/ui/arriving";

export interface PanelProps {
  session: SessionBody;
}

export const PANELS = ["preview", "diff", "terminal", "logs", "env"] as const;
export type PanelName = (typeof PANELS)[number];

export const PANEL_TITLES: Record<PanelName, string> = {
  preview: "Preview",
  diff: "Diff",
  terminal: "Terminal",
  logs: "Logs",
  env: "Env",
};

export const PANEL_VIEWS: Record<PanelName, ComponentType<PanelProps>> = {
  preview: lazy(() => arriving(() => import("@/features/preview/PreviewPanel"))),
  diff: lazy(() => arriving(() => import("@/features/diff/DiffPanel"))),
  terminal: lazy(() => arriving(() => import("@/features/terminal/TerminalPanel"))),
  logs: lazy(() => arriving(() => import("@/features/logs/LogsPanel"))),
  env: lazy(() => arriving(() => import("@/features/environment/EnvironmentPanel"))),
};

export function isPanel(name: string | undefined): name is PanelName {
  return PANELS.includes(name as PanelName);
}
