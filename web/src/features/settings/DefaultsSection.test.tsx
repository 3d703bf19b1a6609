import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { faultsOf, refusal, serve, show } from "@/features/project/test_rig";
import { Toasts } from "@/ui/toasts";

import { PROVIDERS, SETTINGS } from "./defaults_sample";
import { DefaultsView } from "./DefaultsSection";
import { SettingsView } from "./SettingsView";

const SIZES = [
  { name: "small", cpus: 2, memory_bytes: 4 * 2 ** 30, compute_units: 1 },
  { name: "large", cpus: 4, memory_bytes: 8 * 2 ** 30, compute_units: 2 },
];
const BASE = {
  "GET /api/settings": SETTINGS,
  "GET /api/providers": PROVIDERS,
  "GET /api/sizes": SIZES,
};

function open() {
  return show(
    <>
      <SettingsView section="defaults" />
      <Toasts />
    </>,
  );
}

function sent(calls: readonly { method: string; body: unknown }[]): unknown[] {
  return calls.filter((call) => call.method === "PATCH").map((call) => call.body);
}

describe("defaults", () => {
  it("say where each comes from, and what the configuration says of one that was chosen", async () => {
    serve(BASE);
    const { container } = open();
    expect(await screen.findByRole("option", { name: "Opus, the newest" })).toHaveProperty("selected", true);
    expect(screen.getByRole("group", { name: "anthropic (cannot be asked now)" })).toBeInTheDocument();
    expect(screen.getByRole("combobox", { name: "Effort" })).toHaveDisplayValue("As the model likes");
    expect(await screen.findByRole("radio", { name: /small/i })).toBeChecked();
    expect(screen.getByRole("textbox", { name: "Idle countdown, in minutes" })).toHaveValue("5");
    expect(screen.getByText("Sonnet, the newest of anthropic")).toBeVisible();
    expect(screen.getAllByText("From the server's configuration.")).toHaveLength(4);
    expect(screen.getByRole("button", { name: "Save" })).toBeDisabled();
    expect(await faultsOf(container)).toEqual([]);
  });

  it("send what was changed alone, and say that it is saved", async () => {
    const saved = {
      ...SETTINGS,
      mode: { value: "plan", origin: "chosen", configured: "full" },
      idle_countdown_s: { value: 600, origin: "chosen", configured: 300 },
    };
    const calls = serve({ ...BASE, "PATCH /api/settings": saved });
    open();
    await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Mode" }), "Plans");
    const countdown = screen.getByRole("textbox", { name: "Idle countdown, in minutes" });
    await userEvent.clear(countdown);
    await userEvent.type(countdown, "10{Enter}");
    expect(await screen.findByText("Saved, for what begins from now on.")).toBeInTheDocument();
    expect(sent(calls)).toEqual([{ mode: "plan", idle_countdown_s: 600 }]);
    expect(screen.getByRole("button", { name: "Use that again: idle countdown 5 min" })).toBeVisible();
    expect(screen.getByRole("button", { name: "Save" })).toBeDisabled();
  });

  it("go back to the configuration one by one, and keep what else was edited", async () => {
    const back = { ...SETTINGS, model: { ...SETTINGS.model, value: "sonnet", origin: "configuration" } };
    const calls = serve({ ...BASE, "PATCH /api/settings": back });
    open();
    await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Effort" }), "High");
    await userEvent.click(screen.getByRole("button", { name: /^Use that again: model Sonnet/ }));
    expect(await screen.findByText("The server's configuration counts again.")).toBeInTheDocument();
    expect(sent(calls)).toEqual([{ model: null }]);
    expect(screen.queryByRole("button", { name: /^Use that again/ })).toBeNull();
    expect(screen.getByRole("combobox", { name: "Effort" })).toHaveDisplayValue("High");
    await userEvent.click(screen.getByRole("button", { name: "Discard" }));
    expect(screen.getByRole("combobox", { name: "Effort" })).toHaveDisplayValue("As the model likes");
  });

  it("keep what was refused, with the reason at its control", async () => {
    const why = "default model: rehearsal has no model 'rehearsal'. Next step: choose another";
    serve({ ...BASE, "PATCH /api/settings": refusal(422, "input.invalid", why) });
    const { container } = open();
    await screen.findByRole("option", { name: "rehearsal" });
    const model = screen.getByRole("combobox", { name: "Model" });
    await userEvent.selectOptions(model, "rehearsal");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(model).toHaveAccessibleDescription(why));
    expect(model).toHaveDisplayValue("rehearsal");
    expect(model).toBeInvalid();
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.selectOptions(model, "Opus, the newest");
    expect(model).not.toBeInvalid();
  });

  it("say what is about none of them above the buttons", async () => {
    serve({ ...BASE, "PATCH /api/settings": refusal(503, "unavailable", "the database did not answer") });
    open();
    await userEvent.click(await screen.findByRole("radio", { name: /large/i }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("the database did not answer")).toBeVisible();
    expect(screen.getByRole("radio", { name: /large/i })).toBeChecked();
  });

  it("do not send a countdown out of bounds", async () => {
    const calls = serve(BASE);
    open();
    const countdown = await screen.findByRole("textbox", { name: "Idle countdown, in minutes" });
    await userEvent.clear(countdown);
    await userEvent.type(countdown, "0.1{Enter}");
    expect(countdown).toHaveAccessibleDescription("Choose from half a minute (0.5) to 24 hours (1440).");
    expect(screen.getByRole("button", { name: "Save" })).toBeDisabled();
    expect(sent(calls)).toEqual([]);
  });

  it("are loading until they are there", async () => {
    serve({ ...BASE, "GET /api/settings": () => new Promise<object>(() => undefined) });
    open();
    const section = await screen.findByRole("region", { name: "Defaults" });
    expect(within(section).getByRole("status")).toHaveTextContent("Loading");
  });

  it("say why they could not be read, and are read again", async () => {
    let isAway = true;
    serve({
      ...BASE,
      "GET /api/settings": () =>
        isAway ? refusal(503, "unavailable", "the database did not answer") : SETTINGS,
    });
    open();
    expect(await screen.findByText("the database did not answer")).toBeVisible();
    isAway = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("combobox", { name: "Mode" })).toHaveDisplayValue("Works on its own");
  });

  it("stay when they could not be read anew, and say so", async () => {
    serve(BASE);
    const onRead = vi.fn();
    const staleness = new Error("The server cannot be reached.");
    const { container } = show(
      <DefaultsView settings={SETTINGS} providers={PROVIDERS} staleness={staleness} onRead={onRead} />,
    );
    expect(await screen.findByRole("status")).toHaveTextContent(
      "This may have changed meanwhile. The server cannot be reached.",
    );
    expect(screen.getByRole("combobox", { name: "Model" })).toHaveDisplayValue("Opus, the newest");
    expect(await faultsOf(container)).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Read again" }));
    expect(onRead).toHaveBeenCalledOnce();
  });
});
