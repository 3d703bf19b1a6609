import { Link } from "@tanstack/react-router";
import {
  Ellipsis,
  FileDiff,
  type LucideIcon,
  MessageSquare,
  MonitorSmartphone,
  PanelsTopLeft,
} from "lucide-react";
import type { ReactNode } from "react";

import type { SessionBody } from "@/api/types";
import { classes } from "@/ui/classes";
import { Menu, MenuItem } from "@/ui/Menu";

import { PANEL_TITLES, type PanelName } from "./panels";

const MORE: readonly PanelName[] = ["terminal", "logs", "env"];
const TAB = "flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-[0.6875rem] text-ink-3";

/** On a phone: what the screen shows of a session. */
export function PhoneTabs({ session, panel }: { session: SessionBody; panel: PanelName | null }) {
  const isMore = panel !== null && MORE.includes(panel);
  return (
    <nav
      aria-label="Views of this session"
      className="flex shrink-0 border-t bg-surface pb-[env(safe-area-inset-bottom)]"
    >
      <Link to="/" className={TAB}>
        <PanelsTopLeft className="size-5" aria-hidden />
        Sessions
      </Link>
      <Tab session={session} panel={undefined} isShown={panel === null} icon={MessageSquare}>
        Chat
      </Tab>
      <Tab session={session} panel="preview" isShown={panel === "preview"} icon={MonitorSmartphone}>
        Preview
      </Tab>
      <Tab session={session} panel="diff" isShown={panel === "diff"} icon={FileDiff}>
        Diff
      </Tab>
      <Menu
        trigger={
          <button type="button" className={classes(TAB, isMore && "font-semibold text-accent")}>
            <Ellipsis className="size-5" aria-hidden />
            {isMore ? PANEL_TITLES[panel] : "More"}
          </button>
        }
      >
        {MORE.map((each) => (
          <MenuItem key={each} asChild>
            <Link to="/sessions/$session/{-$panel}" params={{ session: session.id, panel: each }}>
              {PANEL_TITLES[each]}
            </Link>
          </MenuItem>
        ))}
      </Menu>
    </nav>
  );
}

interface TabProps {
  session: SessionBody;
  panel: PanelName | undefined;
  isShown: boolean;
  icon: LucideIcon;
  children: ReactNode;
}

function Tab({ session, panel, isShown, icon: Icon, children }: TabProps) {
  return (
    <Link
      to="/sessions/$session/{-$panel}"
      params={{ session: session.id, panel }}
      replace
      aria-current={isShown ? "page" : undefined}
      className={classes(TAB, isShown && "font-semibold text-accent")}
    >
      <Icon className="size-5" aria-hidden />
      {children}
    </Link>
  );
}
