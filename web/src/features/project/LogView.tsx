import { useLayoutEffect, useRef } from "react";

import { Printed } from "@/ui/Coloured";

/** A log that stays at its end while it is looked at there. */
export function LogView({ text, label }: { text: string; label: string }) {
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <pre
      ref={box}
      role="log"
      aria-label={label}
      aria-live="off"
      tabIndex={0}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
      className="lot-log h-64 overflow-auto rounded-lg border bg-sunken px-3 py-2 font-mono text-xs leading-5 break-words whitespace-pre-wrap"
    >
      <Printed text={text} />
    </pre>
  );
}
