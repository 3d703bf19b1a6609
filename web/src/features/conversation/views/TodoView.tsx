import { Circle, CircleCheck, CircleDot } from "lucide-react";
import { memo } from "react";

import { classes } from "@/ui/classes";

import type { TodoItem } from "../items";

const ICONS = { pending: Circle, in_progress: CircleDot, completed: CircleCheck };
const NAMES = { pending: "to do", in_progress: "under way", completed: "done" };

/** The agent's list of things to do, as it is now. */
export const TodoView = memo(function TodoView({ item }: { item: TodoItem }) {
  const done = item.entries.filter((entry) => entry.status === "completed").length;
  return (
    <section aria-label="Things to do" className="my-2 rounded-xl border bg-surface px-4 py-3">
      <p className="mb-1.5 text-xs text-ink-3">
        {done} of {item.entries.length} done
      </p>
      <ul className="flex flex-col gap-1">
        {item.entries.map((entry, index) => {
          const Icon = ICONS[entry.status];
          return (
            <li key={index} className="flex items-start gap-2">
              <Icon
                role="img"
                aria-label={NAMES[entry.status]}
                className={classes(
                  "mt-0.5 size-4 shrink-0",
                  entry.status === "completed" && "text-idle",
                  entry.status === "in_progress" && "text-running",
                  entry.status === "pending" && "text-ink-3",
                )}
              />
              <span className={classes(entry.status === "completed" && "text-ink-3")}>{entry.content}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
});
