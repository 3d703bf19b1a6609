/** Addresses of previews. What is typed is a path of the app, whatever else is pasted with it. */

/** Returns a path from what was typed or pasted: `about`, `/about?x=1`, or a whole address. */
export function pathOf(typed: string): string {
  const text = typed.trim();
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) {
    const url = new URL(text);
    return url.pathname + url.search + url.hash;
  }
  // Two slashes at the beginning would name another host.
  return `/${text.replace(/^\/+/, "")}`;
}

/** Returns the signed address that leads to a path of the app, once the browser is let in. */
export function signedAddress(signInUrl: string, path: string): string {
  const url = new URL(signInUrl);
  url.searchParams.set("to", path);
  return url.href;
}

/** Returns the address without a signature, as it is shown to people: it opens nothing for those who are not signed in. */
export function plainAddress(url: string, path: string): string {
  return new URL(path, url).href;
}

/** What a phone, a tablet and a laptop have, in pixels; null: as wide as the panel. */
export const DEVICES = { full: null, tablet: 768, phone: 390 } as const;
export type Device = keyof typeof DEVICES;

/** Returns how much a device has to be made smaller to be seen whole. */
export function scaleFor(device: Device, available: number): number {
  const width = DEVICES[device];
  return width === null || available <= 0 ? 1 : Math.min(1, available / width);
}
