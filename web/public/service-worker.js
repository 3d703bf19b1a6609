// Shows notices that a push service brings while no page of ours is open, and leads from them to their session.
// It answers no requests, so it keeps no page: what one sees always comes from the server.
"use strict";

const ICON = "/icon-192.png";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.session));
});
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(subscribeAnew(event.newSubscription));
});

async function show(data) {
  const told = read(data);
  const windows = await ownWindows();
  if (windows.some((one) => one.focused && one.visibilityState === "visible" && shows(one, told.session)))
    return;
  await self.registration.showNotification(told.title, {
    body: told.body,
    tag: told.session,
    icon: ICON,
    data: { session: told.session },
  });
}

// A browser takes push away from a worker that shows nothing, so what cannot be read is told as well.
function read(data) {
  try {
    const { session, title, body } = data.json();
    if ([session, title, body].every((one) => typeof one === "string")) return { session, title, body };
  } catch {
    // Told below.
  }
  return { session: "", title: "Lot", body: "Something happened in one of your sessions." };
}

async function open(session) {
  const windows = await ownWindows();
  const chosen = windows.find((one) => shows(one, session)) ?? windows[0];
  if (chosen === undefined) {
    await self.clients.openWindow(session ? `/sessions/${encodeURIComponent(session)}` : "/");
    return;
  }
  // The page goes there by itself: nothing that was typed in it is lost.
  if (session && !shows(chosen, session)) chosen.postMessage({ session });
  await chosen.focus();
}

// The push service has ended a subscription; where its user still wants notices it is made anew.
async function subscribeAnew(fresh) {
  const answer = await fetch("/api/push");
  if (!answer.ok) return;
  const push = await answer.json();
  if (!push.is_on || !push.devices.some((one) => one.is_current)) return;
  const subscription =
    fresh ??
    (await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: push.public_key,
    }));
  const { endpoint, keys } = subscription.toJSON();
  await fetch("/api/push/devices", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Lot-Client": "web" },
    body: JSON.stringify({ endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }),
  });
}

function ownWindows() {
  return self.clients.matchAll({ type: "window", includeUncontrolled: true });
}

function shows(client, session) {
  return (
    session !== "" && new URL(client.url).pathname.split("/").slice(0, 3).join("/") === `/sessions/${session}`
  );
}
