import { useState } from "react";

import { useIsPhone } from "@/ui/screen";

import { topOf } from "./usage";

interface Bar {
  /** `2026-01-31`. */
  day: string;
  amount: number;
}

interface Props {
  title: string;
  bars: readonly Bar[];
  format: (amount: number) => string;
}

/** Drawn as wide as it is shown, about, so that its words are as large as others. */
const WIDTHS = { phone: 340, desk: 720 };
const HEIGHT = 180;
const LEFT = 52;
const BOTTOM = 22;
const TOP = 10;

/** Amounts day by day as bars. The numbers are in a table beside it (see `UsageTable`), so to readers it is one picture. */
export function BarChart({ title, bars, format }: Props) {
  const [pointed, setPointed] = useState<number | null>(null);
  const whole = WIDTHS[useIsPhone() ? "phone" : "desk"];
  const top = topOf(Math.max(0, ...bars.map((bar) => bar.amount)));
  const width = (whole - LEFT) / bars.length;
  const y = (amount: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - amount / top);
  const shown = pointed === null ? undefined : bars[pointed];
  return (
    <figure>
      <figcaption className="mb-1 flex min-h-5 justify-between gap-3 text-ink-2">
        <span>{title}</span>
        {shown && (
          <span className="font-medium text-ink">
            {dayName(shown.day)}: {format(shown.amount)}
          </span>
        )}
      </figcaption>
      <svg
        viewBox={`0 0 ${whole} ${HEIGHT}`}
        role="img"
        aria-label={`${title}, ${bars.length} days. The table has the numbers.`}
        className="w-full"
        onPointerLeave={() => setPointed(null)}
      >
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <line x1={LEFT} x2={whole} y1={y(top * part)} y2={y(top * part)} className="stroke-line" />
            <text x={LEFT - 8} y={y(top * part) + 4} textAnchor="end" className="fill-ink-3 text-[0.75rem]">
              {format(top * part)}
            </text>
          </g>
        ))}
        {bars.map((bar, at) => (
          <g key={bar.day} onPointerEnter={() => setPointed(at)}>
            <rect x={LEFT + at * width} y={0} width={width} height={HEIGHT - BOTTOM} fill="transparent" />
            <rect
              x={LEFT + at * width + Math.min(2, width * 0.15)}
              y={y(bar.amount)}
              width={Math.max(1, width - Math.min(4, width * 0.3))}
              height={Math.max(0, y(0) - y(bar.amount))}
              rx={Math.min(3, width / 4)}
              className={at === pointed ? "fill-accent-strong" : "fill-accent"}
            />
          </g>
        ))}
        {[0, Math.floor((bars.length - 1) / 2), bars.length - 1].map((at, place) => (
          <text
            key={place}
            x={place === 0 ? LEFT : place === 1 ? LEFT + (at + 0.5) * width : whole}
            y={HEIGHT - 5}
            textAnchor={(["start", "middle", "end"] as const)[place]}
            className="fill-ink-3 text-[0.75rem]"
          >
            {dayName(bars[at]?.day)}
          </text>
        ))}
      </svg>
    </figure>
  );
}

function dayName(day: string | undefined): string {
  if (day === undefined) return "";
  return new Date(`${day}T00:00:00Z`).toLocaleDateString("en", {
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  });
}
