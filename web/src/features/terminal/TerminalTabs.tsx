import { Plus, Search, X } from "lucide-react";

import { classes } from "@/ui/classes";
import { IconButton } from "@/ui/IconButton";

import type { TerminalsState } from "./terminals";

interface Props {
  state: TerminalsState;
  canOpen: boolean;
  onShow: (name: string) => void;
  onOpen: () => void;
  onClose: (name: string) => void;
  onSearch: () => void;
}

export function TerminalTabs({ state, canOpen, onShow, onOpen, onClose, onSearch }: Props) {
  return (
    <div className="flex h-10 shrink-0 items-center gap-1 border-b px-1.5">
      <ul aria-label="Terminals" className="flex min-w-0 [scrollbar-width:none] gap-0.5 overflow-x-auto">
        {state.tabs.map((tab) => {
          const isActive = tab.name === state.active;
          const name = `Terminal ${tab.number}`;
          return (
            <li
              key={tab.name}
              className={classes(
                "group flex shrink-0 items-center rounded-md",
                isActive ? "bg-sunken text-ink" : "text-ink-2 hover:text-ink",
              )}
            >
              <button
                type="button"
                aria-current={isActive || undefined}
                onClick={() => onShow(tab.name)}
                className="flex h-7 items-center gap-1.5 rounded-md pl-2.5 font-medium"
              >
                {name}
                {tab.status === "ended" && <span className="text-xs font-normal text-ink-3">ended</span>}
              </button>
              <IconButton label={`Close ${name}`} size="small" onClick={() => onClose(tab.name)}>
                <X />
              </IconButton>
            </li>
          );
        })}
      </ul>
      <IconButton label="New terminal" disabled={!canOpen || state.isOpening} onClick={onOpen}>
        <Plus />
      </IconButton>
      <IconButton label="Search" shortcut="Ctrl F" className="ml-auto" onClick={onSearch}>
        <Search />
      </IconButton>
    </div>
  );
}
