import { describe, expect, it } from "vitest";

import type { PortBody } from "@/api/types";

import { pathOf, plainAddress, scaleFor, signedAddress } from "./address";
import { endOf } from "./log_end";
import { previewState } from "./state";

const port = (number: number, isMain = false) => ({ port: number, is_main: isMain, name: "" }) as PortBody;
const ON = {
  sandbox: "on",
  label: "Idle",
  preview: { port: 5173, url: "http://5173--s.preview.localhost/", sign_in_url: "" },
};
const ports = [port(5173, true), port(8080)];

describe("what a preview shows", () => {
  it("is the project's own port, or the one that was chosen", () => {
    expect(previewState({ session: ON, ports, chosen: null, dev: null })).toEqual({
      kind: "shown",
      port: ports[0],
    });
    expect(previewState({ session: ON, ports, chosen: 8080, dev: null })).toEqual({
      kind: "shown",
      port: ports[1],
    });
  });

  it("is that the session is paused, or on its way", () => {
    const paused = { ...ON, sandbox: "paused", label: "Paused" };
    expect(previewState({ session: paused, ports, chosen: null, dev: null }).kind).toBe("paused");
    const resuming = { ...ON, sandbox: "resuming", label: "Resuming" };
    expect(previewState({ session: resuming, ports, chosen: null, dev: null })).toEqual({
      kind: "starting",
      what: "Resuming…",
    });
  });

  it("is why the app does not answer", () => {
    const at = (status: "starting" | "exited" | "silent") => ({ status, detail: "exit 1" });
    const seen = (dev: ReturnType<typeof at> | null) =>
      previewState({ session: ON, ports: [], chosen: null, dev });
    expect(seen(at("exited"))).toEqual({ kind: "crashed", detail: "exit 1" });
    expect(seen(at("starting")).kind).toBe("starting");
    expect(seen(null)).toEqual({ kind: "nothing", port: 5173, others: [] });
  });

  it("does not blame the dev server for another port", () => {
    const dev = { status: "exited", detail: null } as const;
    const state = previewState({ session: ON, ports: [port(9000)], chosen: 4000, dev });
    expect(state).toEqual({ kind: "nothing", port: 4000, others: [port(9000)] });
  });
});

describe("addresses", () => {
  it("are paths of the app, whatever is typed", () => {
    expect(pathOf("about?x=1")).toBe("/about?x=1");
    expect(pathOf("//evil.example/x")).toBe("/evil.example/x");
    expect(pathOf("https://5173--s.preview.localhost/a/b#c")).toBe("/a/b#c");
    expect(pathOf("")).toBe("/");
  });

  it("are signed for the frame, and plain for people", () => {
    const signed = signedAddress("http://5173--s.preview.localhost/.lot/sign-in?ticket=1.a", "/a?b=c&d");
    expect(new URL(signed).searchParams.get("to")).toBe("/a?b=c&d");
    expect(new URL(signed).searchParams.get("ticket")).toBe("1.a");
    expect(plainAddress("http://5173--s.preview.localhost/", "/a")).toBe(
      "http://5173--s.preview.localhost/a",
    );
  });
});

describe("a device", () => {
  it("is made smaller to be seen whole, never larger", () => {
    expect(scaleFor("phone", 1000)).toBe(1);
    expect(scaleFor("tablet", 384)).toBe(0.5);
    expect(scaleFor("full", 100)).toBe(1);
  });
});

describe("the end of a log", () => {
  it("has no colours and not all lines", () => {
    expect(endOf("a\n\x1b[31mb\x1b[0m\r\nc\n\n", 2)).toBe("b\nc");
    expect(endOf(`a${"\n".repeat(50)}b\n`)).toBe("a\n\nb");
  });
});
