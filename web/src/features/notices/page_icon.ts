/** The page's icon in the browser's tab: with a dot while there is news that nobody has looked at. */
import { useEffect } from "react";

const ICON = "/icon.svg";
const ICON_WITH_DOT = "/icon-news.svg";

/** Files of our own rather than a drawn one: the page's policy lets in nothing else. */
export function useIconDot(hasNews: boolean): void {
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    link?.setAttribute("href", hasNews ? ICON_WITH_DOT : ICON);
    return () => link?.setAttribute("href", ICON);
  }, [hasNews]);
}
