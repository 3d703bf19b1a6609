import { useEffect, useEffectEvent, useRef, useState } from "react";

import { useTheme } from "@/ui/theme";
import { tell } from "@/ui/toasts";

import type { LiveTerminal } from "./live_terminal";

interface Props {
  terminal: LiveTerminal;
  isOn: boolean;
  onChanged: () => void;
  onSearch: () => void;
  onRefused: () => void;
}

const FONT_PX = 13;
const PHONE_FONT_PX = 12;

/** Where a terminal is seen; the terminal itself outlives it. */
export function TerminalView({ terminal, isOn, onChanged, onSearch, onRefused }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [isMounted, setIsMounted] = useState(false);
  const { dark } = useTheme();
  const readDark = useEffectEvent(() => dark);
  const changed = useEffectEvent(() => onChanged());
  const search = useEffectEvent(() => onSearch());
  const refused = useEffectEvent(() => onRefused());

  useEffect(() => {
    const node = place.current;
    if (node === null) return undefined;
    let isOver = false;
    const observer = new ResizeObserver(() => terminal.fit());
    terminal.listen({
      onStatus: () => changed(),
      onRefused: () => refused(),
      onSearch: () => search(),
      onCopied: () => tell("Copied"),
      onControl: () => changed(),
    });
    const isPhone = window.matchMedia("(max-width: 767px)").matches;
    const fontSize = isPhone ? PHONE_FONT_PX : FONT_PX;
    // The size of a letter is measured once, so the letters have to be there.
    void fontIsLoaded(fontSize).then(() => {
      if (isOver) return;
      terminal.mount(node, readDark(), fontSize);
      observer.observe(node);
      setIsMounted(true);
      if (!isPhone) terminal.focus();
    });
    return () => {
      isOver = true;
      observer.disconnect();
      terminal.listen(null);
      terminal.unmount();
      setIsMounted(false);
    };
  }, [terminal]);

  useEffect(() => {
    if (isMounted) terminal.follow(isOn);
  }, [terminal, isMounted, isOn]);

  useEffect(() => terminal.setTheme(dark), [terminal, dark]);

  return <div ref={place} className="absolute inset-0 overflow-hidden py-1.5 pl-3" />;
}

async function fontIsLoaded(fontSize: number): Promise<void> {
  try {
    await document.fonts.load(`${fontSize}px "JetBrains Mono Variable"`);
  } catch {
    return; // Another font of the list is used then.
  }
}
