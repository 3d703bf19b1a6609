import { useLayoutEffect, useRef, useState } from "react";

import { classes } from "@/ui/classes";

import { type Device, DEVICES, scaleFor } from "./address";

interface Props {
  title: string;
  /** Signed; only the one that it is first shown with counts, as a fresh signature is no reason to load anew. */
  address: string;
  device: Device;
}

/**
 * What apps need, and no more: an app has its own origin, so scripts and storage there are its own affair. It may open
 * tabs and dialogs and save files, but not lead this page elsewhere.
 */
const SANDBOX =
  "allow-scripts allow-same-origin allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads allow-pointer-lock";
const ALLOWED = "clipboard-read; clipboard-write; fullscreen; autoplay";

export function PreviewFrame({ title, address, device }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [source] = useState(address);
  const [size, setSize] = useState({ width: 0, height: 0 });

  useLayoutEffect(() => {
    const node = place.current;
    if (node === null) return undefined;
    const look = () => setSize({ width: node.clientWidth, height: node.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  const width = DEVICES[device];
  const margin = width === null ? 0 : 24;
  const scale = scaleFor(device, size.width - 2 * margin);
  return (
    <div
      ref={place}
      className={classes(
        "relative min-h-0 flex-1 overflow-hidden",
        width === null ? "bg-surface" : "bg-sunken",
      )}
    >
      <div
        className={classes(
          "absolute overflow-hidden bg-white",
          width === null
            ? "inset-0"
            : "top-4 left-1/2 origin-top rounded-xl shadow-float ring-4 ring-line-strong",
        )}
        style={
          width === null
            ? undefined
            : {
                width,
                height: (size.height - 32) / scale,
                transform: `translateX(-50%) scale(${scale})`,
              }
        }
      >
        <iframe
          title={title}
          src={source}
          sandbox={SANDBOX}
          allow={ALLOWED}
          referrerPolicy="no-referrer"
          className="size-full border-0"
        />
      </div>
      {width !== null && scale < 1 && (
        <span className="absolute right-2 bottom-2 rounded-md bg-raised px-1.5 py-0.5 text-xs text-ink-2">
          {Math.round(scale * 100)} %
        </span>
      )}
    </div>
  );
}
