import { type RefObject, useLayoutEffect, useState } from "react";

/** Whether an element is at least so many pixels wide: a panel may be narrow in a wide window. */
export function useIsWide(element: RefObject<HTMLElement | null>, pixels: number): boolean {
  const [isWide, setIsWide] = useState(false);
  useLayoutEffect(() => {
    const node = element.current;
    if (node === null) return undefined;
    const look = () => setIsWide(node.clientWidth >= pixels);
    look();
    const observer = new ResizeObserver(look);
    observer.observe(node);
    return () => observer.disconnect();
  }, [element, pixels]);
  return isWide;
}
