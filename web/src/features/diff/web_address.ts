/**
 * Returns an address that a git host gave, if it is one of the web: it becomes a link, which a `javascript:` address
 * must not. Relative ones are Lot's own.
 */
export function webAddress(given: string, here: string): string | null {
  if (!URL.canParse(given, here)) return null;
  const url = new URL(given, here);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
}
