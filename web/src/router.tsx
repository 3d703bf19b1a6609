/** Which page an address shows. Every page but the shell is loaded when it is first gone to. */
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from "@tanstack/react-router";

import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";
import { Welcome } from "./shell/Welcome";
import { arriving, NotArrivedError } from "./ui/arriving";
import { Failed, Loading } from "./ui/states";

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
});

const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

const home = createRoute({ getParentRoute: () => shell, path: "/", component: Welcome });

const newSession = createRoute({ getParentRoute: () => shell, path: "/new", component: Welcome });

const session = createRoute({
  getParentRoute: () => shell,
  path: "/sessions/$session/{-$panel}",
  component: lazyRouteComponent(() => arriving(() => import("./features/session/SessionPage"))),
});

const newProject = createRoute({
  getParentRoute: () => shell,
  path: "/projects/new",
  component: lazyRouteComponent(() => arriving(() => import("./features/project/NewProjectPage"))),
});

const project = createRoute({
  getParentRoute: () => shell,
  path: "/projects/$project",
  component: lazyRouteComponent(() => arriving(() => import("./features/project/ProjectPage"))),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings/{-$section}",
  component: lazyRouteComponent(() => arriving(() => import("./features/settings/SettingsPage"))),
});

const compare = createRoute({
  getParentRoute: () => shell,
  path: "/compare/$left/$right",
  component: lazyRouteComponent(() => arriving(() => import("./features/compare/ComparePage"))),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (given: Record<string, unknown>): { to?: string; link?: string } => ({
    ...(typeof given.to === "string" && { to: given.to }),
    ...(typeof given.link === "string" && { link: given.link }),
  }),
  component: lazyRouteComponent(() => arriving(() => import("./features/sign_in/SignInPage"))),
});

const routes = root.addChildren([
  shell.addChildren([home, newSession, session, newProject, project, settings, compare]),
  signIn,
]);

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: routes,
    context: { queries },
    defaultPreload: "intent",
    defaultPendingComponent: Loading,
    defaultErrorComponent: ({ error, reset }) => (
      // A part that did not come is remembered as missing: only a new page asks for it again.
      <Failed error={error} onRetry={error instanceof NotArrivedError ? () => location.reload() : reset} />
    ),
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
