import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { describe, expect, it, vi } from "vitest";

import type { PortBody, SessionBody } from "@/api/types";

import { PreviewFrame } from "./PreviewFrame";
import { StatePage } from "./StatePage";
import type { PreviewState } from "./state";

vi.mock("@tanstack/react-router", () => ({
  Link: ({ children, params }: { children: ReactNode; params: { panel: string } }) => (
    <a href={params.panel}>{children}</a>
  ),
}));

const SESSION = { id: "s1", title: "A task", label: "Idle", sandbox: "on" } as SessionBody;

function show(state: Exclude<PreviewState, { kind: "shown" }>, session = SESSION, onPort = vi.fn()) {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("starting\n\x1b[31mError: no module\x1b[0m\n")));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <StatePage session={session} state={state} onPort={onPort} />
    </QueryClientProvider>,
  );
  return onPort;
}

describe("in the app's place", () => {
  it("stands a way to resume, while paused", () => {
    show({ kind: "paused" }, { ...SESSION, sandbox: "paused", label: "Paused" });
    expect(screen.getByRole("button", { name: "Resume" })).toBeVisible();
  });

  it("stands the end of the log after a crash, with the way to all of it", async () => {
    show({ kind: "crashed", detail: null });
    expect(await screen.findByText(/Error: no module/)).toHaveTextContent("starting Error: no module");
    expect(screen.getByRole("link", { name: "Open Logs" })).toHaveAttribute("href", "logs");
    expect(screen.getByRole("button", { name: "Restart the dev server" })).toBeEnabled();
  });

  it("stand the ports that are listened on, where the wanted one is not", async () => {
    const onPort = show({ kind: "nothing", port: 3000, others: [{ port: 8080, name: "api" } as PortBody] });
    expect(screen.getByText("Nothing listens on port 3000")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Show port 8080 (api)" }));
    expect(onPort).toHaveBeenCalledWith(8080);
    expect(screen.queryByRole("button", { name: "Resume" })).toBeNull();
  });
});

describe("the frame", () => {
  it("lets an app do what apps do, but not lead this page elsewhere, and keeps its first address", () => {
    const { rerender } = render(
      <PreviewFrame title="Preview" address="http://a.localhost/?ticket=1" device="full" />,
    );
    rerender(<PreviewFrame title="Preview" address="http://a.localhost/?ticket=2" device="full" />);
    const frame = screen.getByTitle("Preview");
    expect(frame).toHaveAttribute("src", "http://a.localhost/?ticket=1");
    expect(frame.getAttribute("sandbox")).toContain("allow-scripts allow-same-origin");
    expect(frame.getAttribute("sandbox")).not.toContain("top-navigation");
  });
});
