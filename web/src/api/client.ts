/** The one way to the API: typed calls, errors that are thrown, and what happens when nobody is signed in. */
import createClient, { type Middleware } from "openapi-fetch";

import { errorOf, UnreachableError } from "./errors";
import type { paths } from "./schema";

const SIGN_IN = "/sign-in";

const rules: Middleware = {
  onRequest({ request }) {
    // Only pages of our own can set it, which is what the server asks of requests that change something.
    request.headers.set("X-Lot-Client", "web");
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return undefined;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => null);
    if (response.status === 401 && !request.url.includes("/api/sign-in")) goToSignIn();
    throw errorOf(response, body);
  },
  onError() {
    return new UnreachableError();
  },
};

/** `const { data } = await api.GET("/api/sessions/{session}", { params: { path: { session } } })`; throws on errors. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: (request) => fetch(request) });
api.use(rules);

/** Returns the data of a call that threw if there was none. */
export async function read<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

/** The address of one of our WebSockets, such as `/api/sessions/x/events/stream?after=7`. */
export function socketUrl(path: string): string {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** Leaves for the sign-in page, which comes back to where one was. */
export function goToSignIn(): void {
  if (location.pathname === SIGN_IN) return;
  location.assign(`${SIGN_IN}?to=${encodeURIComponent(location.pathname + location.search)}`);
}
