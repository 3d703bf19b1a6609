import { classes } from "@/ui/classes";

import type { Token } from "./highlight";
import type { ShownLine } from "./rows";
import { segmentsOf } from "./segments";

interface Props {
  line: ShownLine;
  tokens: readonly Token[] | undefined;
}

/** A line of code with its colours, and with what has changed in it marked. */
export function CodeLine({ line, tokens }: Props) {
  const tone = line.kind === "added" ? "bg-added/25" : "bg-removed/25";
  return (
    <>
      {segmentsOf(line.text, tokens ?? [], line.changed).map((segment, place) => (
        <span key={place} className={classes(segment.className, segment.isChanged && [tone, "rounded-xs"])}>
          {segment.text}
        </span>
      ))}
      {line.hasNoNewline && (
        <span className="ml-2 text-ink-3 select-none" title="The file ends here, without a line end">
          ⏎̸
        </span>
      )}
    </>
  );
}
