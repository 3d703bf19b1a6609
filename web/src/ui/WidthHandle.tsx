import type { KeyboardEvent } from "react";

interface Props {
  label: string;
  /** Of what it stands at the right end of, which begins at the left end of the window; in pixels. */
  width: number;
  onChange: (width: number) => void;
  least: number;
  most: number;
}

const STEP_PX = 16;

/** Changes the width of what it stands in, by pointer or by keys. */
export function WidthHandle({ label, width, onChange, least, most }: Props) {
  const change = (wanted: number) => onChange(Math.min(most, Math.max(least, Math.round(wanted))));
  const onKeyDown = (event: KeyboardEvent) => {
    const wanted = { ArrowLeft: width - STEP_PX, ArrowRight: width + STEP_PX, Home: least, End: most }[
      event.key
    ];
    if (wanted === undefined) return;
    event.preventDefault();
    change(wanted);
  };
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={least}
      aria-valuemax={most}
      tabIndex={0}
      onKeyDown={onKeyDown}
      // Captured, so that it goes on over a preview, which is a document of its own.
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) change(event.clientX);
      }}
      className="absolute inset-y-0 -right-1 z-10 w-2 cursor-col-resize touch-none outline-none after:absolute after:inset-y-0 after:left-[3px] after:w-px after:bg-line after:transition-colors hover:after:bg-accent focus-visible:after:bg-focus active:after:bg-accent"
    />
  );
}
