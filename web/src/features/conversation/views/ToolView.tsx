import {
  ArrowRightLeft,
  Bot,
  Brain,
  ChevronRight,
  FilePen,
  FileText,
  Globe,
  type LucideIcon,
  Search,
  SquareTerminal,
  Trash2,
  Wrench,
} from "lucide-react";
import { memo } from "react";

import { classes } from "@/ui/classes";

import { useUnfolded } from "../folding";
import type { ToolItem } from "../items";
import { lineCounts } from "./EditDiff";
import { PermissionForm } from "./PermissionForm";
import { ToolDetails } from "./ToolDetails";
import { ToolStatus } from "./ToolStatus";

const ICONS: Record<ToolItem["kind"], LucideIcon> = {
  read: FileText,
  edit: FilePen,
  delete: Trash2,
  move: ArrowRightLeft,
  search: Search,
  execute: SquareTerminal,
  think: Brain,
  fetch: Globe,
  switch_mode: Wrench,
  other: Wrench,
};

/** One call of a tool: a line, which unfolds to what went in and what came out. */
export const ToolView = memo(function ToolView({ item }: { item: ToolItem }) {
  const [isUnfolded, setUnfolded] = useUnfolded(item.key, isOpenByItself(item));
  const Icon = item.task !== null && item.kind === "think" ? Bot : ICONS[item.kind];
  const isAsking = item.ask?.state === "open";
  return (
    <div className="py-0.5">
      <button
        type="button"
        aria-expanded={isUnfolded}
        onClick={() => setUnfolded(!isUnfolded)}
        className="group -mx-2 flex min-h-7 w-[calc(100%+1rem)] items-center gap-2 rounded-md px-2 text-left hover:bg-sunken"
      >
        <Icon className="size-4 shrink-0 text-ink-3" aria-hidden />
        <span
          className={classes(
            "min-w-0 truncate text-ink-2",
            item.kind === "execute" && "font-mono text-[0.8125rem]",
            item.status === "preparing" && "text-ink-3 italic",
          )}
        >
          {titleOf(item)}
        </span>
        <Counts item={item} />
        <ChevronRight
          aria-hidden
          className={classes(
            "size-3.5 shrink-0 text-ink-3 opacity-0 transition group-hover:opacity-100 group-focus-visible:opacity-100",
            isUnfolded && "rotate-90",
          )}
        />
        <ToolStatus item={item} />
      </button>
      {isAsking && item.ask && <PermissionForm item={item} ask={item.ask} />}
      {isUnfolded && !isAsking && <ToolDetails item={item} />}
    </div>
  );
});

function Counts({ item }: { item: ToolItem }) {
  if (item.hunks.length === 0) return null;
  const { added, removed } = lineCounts(item.hunks);
  return (
    <span className="shrink-0 font-mono text-xs">
      <span className="text-added">+{added}</span> <span className="text-removed">−{removed}</span>
    </span>
  );
}

/** Edits are shown, and what a command or sub-agent does right now. */
function isOpenByItself(item: ToolItem): boolean {
  if (item.hunks.length > 0) return true;
  const isRunning = item.status === "running" || item.status === "background";
  return isRunning && (item.output !== "" || item.children.length > 0);
}

function titleOf(item: ToolItem): string {
  if (item.status === "preparing") return "Prepares a tool call";
  return item.title.replaceAll("/workspace/", "").split("\n")[0] ?? "";
}
