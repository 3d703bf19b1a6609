import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { faultsOf } from "@/features/project/test_rig";

import { PushDevices, PushSwitch } from "./PushView";
import type { PushState } from "./push_state";

const AT = "2026-01-02T03:04:05Z";
const FIREFOX = { id: "d1", user_agent: "Firefox/1 Linux", made_at: AT, is_current: true, failure: null };
const PHONE = {
  id: "d2",
  user_agent: "iPhone Safari/1",
  made_at: AT,
  is_current: false,
  failure: "web.push.apple.com answered 403: BadJwtToken",
};

function showSwitch(state: PushState, fault: Error | null = null, isBusy = false) {
  const onChange = vi.fn();
  const { container } = render(
    <PushSwitch state={state} reason="no push services" fault={fault} isBusy={isBusy} onChange={onChange} />,
  );
  return { container, onChange, toggle: screen.getByRole("switch", { name: "Also when Lot is not open" }) };
}

it.each([
  ["insecure", /over https/],
  ["home_screen", /home screen/],
  ["unsupported", /cannot do this/],
  ["off_by_server", /no push services/],
  ["denied", /allow them in its settings/],
  ["unknown", /only your browser can read/],
] as const)("cannot be switched while it is %s, and says why", async (state, words) => {
  const { container, toggle } = showSwitch(state);
  expect(toggle).toBeDisabled();
  expect(screen.getByText(words)).toBeVisible();
  expect(await faultsOf(container)).toEqual([]);
});

it.each([
  ["off", true],
  ["on", false],
] as const)("that is %s asks for the other", async (state, isWanted) => {
  const { onChange, toggle } = showSwitch(state);
  await userEvent.click(toggle);
  expect(onChange).toHaveBeenCalledExactlyOnceWith(isWanted);
});

it("says what went wrong, and can be tried again", () => {
  const { toggle } = showSwitch("off", new Error("no push service. Next step: another browser"));
  expect(screen.getByRole("alert")).toHaveTextContent("Next step: another browser");
  expect(toggle).toBeEnabled();
});

it("waits while the browser is asked, and says so", () => {
  expect(showSwitch("off", null, true).toggle).toBeDisabled();
  expect(screen.getByText(/asks its push service/)).toBeVisible();
});

it("lists devices, with what their push service refused, and removes one", async () => {
  const onRemove = vi.fn();
  const { container } = render(
    <PushDevices devices={[FIREFOX, PHONE]} removing={null} fault={null} onRemove={onRemove} />,
  );
  expect(screen.getByText("Firefox on Linux")).toHaveTextContent("this one");
  expect(screen.getByText(/BadJwtToken/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Remove Safari on iPhone" }));
  expect(onRemove).toHaveBeenCalledExactlyOnceWith("d2");
  expect(await faultsOf(container)).toEqual([]);
});

it("says that there are none, that one is being removed, and why one was not", () => {
  const { rerender } = render(<PushDevices devices={[]} removing={null} fault={null} onRemove={vi.fn()} />);
  expect(screen.getByText("None yet.")).toBeVisible();
  rerender(
    <PushDevices devices={[PHONE]} removing="d2" fault={new Error("no such device")} onRemove={vi.fn()} />,
  );
  expect(screen.getByRole("button", { name: /^Remove/ })).toHaveAttribute("aria-busy", "true");
  expect(screen.getByRole("alert")).toHaveTextContent("no such device");
});
