/** Whether this browser is told of sessions while no page is open: what stands in the way, and what to do. Pure. */

/** What the browser can do, and what it was allowed. */
export interface PushSupport {
  /** Whether the page came over TLS, or from this machine itself. */
  isSecure: boolean;
  hasPush: boolean;
  /** Whether it is an iPhone's or iPad's browser, and not the app on its home screen. */
  isAppleTab: boolean;
  permission: NotificationPermission | null;
}

export type PushState =
  "insecure" | "home_screen" | "unsupported" | "off_by_server" | "denied" | "unknown" | "off" | "on";

/**
 * Returns how it stands with push here.
 *
 * @param isOnAtServer Whether the server sends any; null: not known yet.
 * @param isSubscribed Whether this browser has a subscription.
 * @param isKnown Whether the server has it, too.
 */
export function pushState(
  support: PushSupport,
  isOnAtServer: boolean | null,
  isSubscribed: boolean,
  isKnown: boolean,
): PushState {
  if (isOnAtServer === null) return "unknown";
  if (!isOnAtServer) return "off_by_server";
  if (!support.isSecure) return "insecure";
  if (!support.hasPush) return support.isAppleTab ? "home_screen" : "unsupported";
  if (support.permission === "denied") return "denied";
  return isSubscribed && isKnown && support.permission === "granted" ? "on" : "off";
}

const ABOUT =
  "When a session needs you, is done or failed. The server asks your browser's maker to wake it; what the notice says, only your browser can read.";

/** What stands below the switch; `reason` is the server's own word where it sends none. */
export function pushHint(state: PushState, reason: string | null): string {
  switch (state) {
    case "off_by_server":
      return reason ?? "This server sends none.";
    case "insecure":
      return "Browsers do this only over https, or on the machine that Lot runs on. Next step: put Lot behind a proxy with TLS and set LOT_PUBLIC_URL.";
    case "home_screen":
      return "On this device, add Lot to the home screen first (Share, then Add to Home Screen), open it there and come back to this page.";
    case "unsupported":
      return "This browser cannot do this.";
    case "denied":
      return "This browser was told to refuse notices: allow them in its settings for this site.";
    case "unknown":
    case "off":
    case "on":
      return ABOUT;
  }
}

/** Why a browser could not be subscribed, with the next step. */
export function pushFault(error: unknown): Error {
  const said = error instanceof Error ? error.message : String(error);
  const name = error instanceof DOMException ? error.name : "";
  // Chromium calls a private window's refusal an abortion, too.
  const isRefused = name === "NotAllowedError" || said.includes("permission denied");
  if (name === "AbortError" && !isRefused)
    return new Error(
      `This browser does not reach its push service (${said}). Next step: look whether its network lets it, or use a browser that comes with one, such as Firefox, Chrome, Edge or Safari; some Chromiums have none.`,
    );
  if (isRefused)
    return new Error(
      `This browser refuses (${said}). Next step: allow notices for this site; a private window cannot have them.`,
    );
  return error instanceof Error ? error : new Error(said);
}
