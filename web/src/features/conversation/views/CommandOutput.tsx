import Anser, { type AnserJsonEntry } from "anser";
import { memo, useLayoutEffect, useRef } from "react";

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
  const shown = lastFrames(output.slice(-SHOWN_CHARS));
  return (
    <pre
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      className="max-h-72 overflow-auto rounded-lg border bg-sunken px-3 py-2 font-mono text-xs leading-[1.1rem] break-words whitespace-pre-wrap"
    >
      {output.length > SHOWN_CHARS && <span className="text-ink-3">… the beginning is left out{"\n"}</span>}
      {Anser.ansiToJson(shown, { json: true, remove_empty: true, use_classes: true }).map((piece, index) => (
        <span key={index} className={classOf(piece)}>
          {piece.content}
        </span>
      ))}
    </pre>
  );
});

const COLOURS: Partial<Record<string, string>> = {
  "ansi-red": "text-errored",
  "ansi-bright-red": "text-errored",
  "ansi-green": "text-idle",
  "ansi-bright-green": "text-idle",
  "ansi-yellow": "text-waiting",
  "ansi-bright-yellow": "text-waiting",
  "ansi-blue": "text-running",
  "ansi-bright-blue": "text-running",
  "ansi-cyan": "text-accent",
  "ansi-bright-cyan": "text-accent",
  "ansi-magenta": "text-paused",
  "ansi-bright-magenta": "text-paused",
  "ansi-bright-black": "text-ink-3",
};

function classOf(piece: AnserJsonEntry): string {
  const colour = COLOURS[piece.fg] ?? "";
  const isBold = piece.decorations.includes("bold") ? " font-semibold" : "";
  const isDim = piece.decorations.includes("dim") ? " opacity-70" : "";
  return colour + isBold + isDim;
}

/** Of lines that were drawn over with carriage returns, as by progress bars, the last state. */
function lastFrames(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(/\r$/, "").split("\r").at(-1) ?? "")
    .join("\n");
}
