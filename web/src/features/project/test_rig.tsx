/** For tests of pages: a server that answers what the test says, and the page around a component. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { configure, render, type RenderResult } from "@testing-library/react";
import axe from "axe-core";
import { Tooltip } from "radix-ui";
import type { ReactElement } from "react";
import { vi } from "vitest";

// A busy machine is slow; what is wrong is wrong after any wait.
vi.setConfig({ testTimeout: 60_000 });
configure({ asyncUtilTimeout: 20_000 });

export interface Call {
  method: string;
  path: string;
  body: unknown;
}

/** What is answered: a body, null for 204, a `Response`, or a function that returns one of them. */
type Answer = object | null;
type Route = Answer | ((call: Call) => Answer | Promise<Answer>);

/** An answer other than 200. */
export function refusal(status: number, code: string, message: string, headers?: HeadersInit): Response {
  return Response.json({ code, message }, { status, ...(headers && { headers }) });
}

/** Answers requests by `METHOD /path`; what it was asked is in the list that comes back. Unknown paths get 404. */
export function serve(routes: Record<string, Route>): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    const request =
      input instanceof Request ? input : new Request(new URL(String(input), location.href), init);
    const url = new URL(request.url);
    const text = await request.text();
    const call: Call = {
      method: request.method,
      path: url.pathname + url.search,
      body: text === "" ? null : (JSON.parse(text) as unknown),
    };
    calls.push(call);
    const route = routes[`${call.method} ${call.path}`] ?? routes[`${call.method} ${url.pathname}`];
    const said = typeof route === "function" ? await (route as (call: Call) => Promise<Answer>)(call) : route;
    if (said instanceof Response) return said.clone();
    if (said === undefined) return refusal(404, "not_found", `there is no ${call.method} ${call.path}`);
    if (said === null) return new Response(null, { status: 204 });
    return Response.json(said);
  });
  return calls;
}

/** Shows a component as a page at an address, with all that pages stand in. */
export function show(page: ReactElement, at = "/"): RenderResult & { where: () => string } {
  const root = createRootRoute();
  const every = createRoute({ getParentRoute: () => root, path: "$", component: () => page });
  const router = createRouter({
    routeTree: root.addChildren([every]),
    history: createMemoryHistory({ initialEntries: [at] }),
  });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const shown = render(
    <QueryClientProvider client={queries}>
      <Tooltip.Provider>
        <RouterProvider router={router as never} />
      </Tooltip.Provider>
    </QueryClientProvider>,
  );
  return { ...shown, where: () => router.state.location.href };
}

/** What axe finds wrong on the page, a line each. Colours are judged in a real browser: jsdom draws none. */
export async function faultsOf(place: Element): Promise<string[]> {
  const { violations } = await axe.run(place, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
}
