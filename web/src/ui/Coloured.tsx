import "./ansi.css";

import type { CSSProperties } from "react";

import { shownOf, spansOf, type Span } from "./ansi";
import { classes } from "./classes";

/** What a program printed, in its own colours; what it printed over is left out. */
export function Printed({ text }: { text: string }) {
  return <Coloured spans={spansOf(text.split("\n").map(shownOf).join("\n"))} />;
}

/** Pieces in their colours. */
export function Coloured({ spans }: { spans: readonly Span[] }) {
  return spans.map(spanView);
}

function spanView(span: Span, place: number) {
  const style: CSSProperties = {};
  const foreground = span.trueForeground ?? colourOf(span.foreground);
  const background = span.trueBackground ?? colourOf(span.background);
  if (foreground) style.color = foreground;
  if (background) {
    style.backgroundColor = background;
    style.color ??= "var(--surface)";
  }
  return (
    <span
      key={place}
      style={style}
      className={classes(
        span.isBold && "font-semibold",
        span.isDim && "text-ink-3",
        span.isItalic && "italic",
        span.isUnderlined && "underline",
      )}
    >
      {span.text}
    </span>
  );
}

/** `ansi-bright-red` and `ansi-red` are one colour here: with enough contrast there is no room for two. */
function colourOf(name: string): string | undefined {
  const plain = /^ansi-(?:bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/.exec(name)?.[1];
  return plain && `var(--ansi-${plain})`;
}
