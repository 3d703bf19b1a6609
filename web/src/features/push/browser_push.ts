/** This browser's own part of push: its service worker, its permission, its subscription. */
import { pushFault, type PushSupport } from "./push_state";

const WORKER = "/service-worker.js";
const SUBSCRIBE_MS = 20_000;

export function readSupport(): PushSupport {
  return {
    isSecure: window.isSecureContext,
    hasPush: "serviceWorker" in navigator && "PushManager" in window && "Notification" in window,
    isAppleTab: isApplePhone() && !matchMedia("(display-mode: standalone)").matches,
    permission: "Notification" in window ? Notification.permission : null,
  };
}

/** Returns the worker that shows notices, installed where it can be. */
export async function ensureWorker(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator)) return null;
  await navigator.serviceWorker.register(WORKER);
  return navigator.serviceWorker.ready;
}

/** Returns the worker that shows notices, if it was ever installed. */
export async function findWorker(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator)) return null;
  return (await navigator.serviceWorker.getRegistration(WORKER)) ?? null;
}

export async function findSubscription(): Promise<PushSubscription | null> {
  const worker = await findWorker();
  return worker && "pushManager" in worker ? worker.pushManager.getSubscription() : null;
}

/**
 * Subscribes this browser, whose user has allowed notices.
 *
 * @param publicKey The server's; a subscription for another one is given up.
 */
export async function subscribe(publicKey: string): Promise<PushSubscription> {
  const worker = await ensureWorker();
  if (worker === null) throw new Error("This browser has no service workers.");
  const before = await worker.pushManager.getSubscription();
  if (before !== null) {
    if (packed(before.options.applicationServerKey) === publicKey) return before;
    await before.unsubscribe();
  }
  const asked = worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey });
  try {
    return await Promise.race([asked, tooLate()]);
  } catch (error) {
    // One that comes too late is wanted no more.
    void asked.then((late) => late.unsubscribe()).catch(() => undefined);
    throw pushFault(error);
  }
}

/** A Chromium that does not reach its push service keeps trying, and says nothing. */
function tooLate(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(
      () => reject(new DOMException(`no answer for ${SUBSCRIBE_MS / 1000} s`, "AbortError")),
      SUBSCRIBE_MS,
    );
  });
}

/** Gives the subscription up, if there is one: from then on nothing can be sent here, whatever a server still knows. */
export async function unsubscribe(): Promise<void> {
  await (await findSubscription())?.unsubscribe();
}

/** What the server is told of a subscription. */
export function bodyOf(subscription: PushSubscription): {
  endpoint: string;
  keys: { p256dh: string; auth: string };
} {
  const { keys } = subscription.toJSON();
  return {
    endpoint: subscription.endpoint,
    keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" },
  };
}

/** An iPad says that it is a Mac, which has no touch screen. */
function isApplePhone(): boolean {
  const { userAgent, maxTouchPoints } = navigator;
  return (
    /\b(?:iPhone|iPad|iPod)\b/.test(userAgent) || (/\bMacintosh\b/.test(userAgent) && maxTouchPoints > 1)
  );
}

/** Base64url without padding, as the server writes its key. */
function packed(key: ArrayBuffer | null): string {
  if (key === null) return "";
  const text = String.fromCharCode(...new Uint8Array(key));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
