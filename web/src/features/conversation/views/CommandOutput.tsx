import { memo, useLayoutEffect, useRef } from "react";

import { Printed } from "@/ui/Coloured";

/** So many characters of the end are coloured and shown; the rest is there to copy. */
const SHOWN_CHARS = 30_000;

interface Props {
  output: string;
  /** It still grows: its end stays in sight. */
  isLive: boolean;
  label: string;
}

/** What a command printed, in its own colours. */
export const CommandOutput = memo(function CommandOutput({ output, isLive, label }: Props) {
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (isLive && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [isLive, output]);
  return (
    <pre
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      className="lot-log max-h-72 overflow-auto rounded-lg border bg-sunken px-3 py-2 font-mono text-xs leading-[1.1rem] break-words whitespace-pre-wrap"
    >
      {output.length > SHOWN_CHARS && <span className="text-ink-3">… the beginning is left out{"\n"}</span>}
      <Printed text={output.slice(-SHOWN_CHARS)} />
    </pre>
  );
});
