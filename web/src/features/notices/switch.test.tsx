import { act, renderHook } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { useNoticeSwitch } from "./switch";

afterEach(() => vi.unstubAllGlobals());

function browser(permission: NotificationPermission, answer: NotificationPermission = permission) {
  const notices = {
    permission,
    requestPermission: vi.fn(() => {
      notices.permission = answer;
      return Promise.resolve(answer);
    }),
  };
  vi.stubGlobal("Notification", notices);
  return notices;
}

it("asks the browser only when it is switched on, never before", async () => {
  const notices = browser("default", "granted");
  const { result } = renderHook(() => useNoticeSwitch());
  expect(result.current.state).toBe("ask");
  expect(notices.requestPermission).not.toHaveBeenCalled();
  await act(() => result.current.change(true));
  expect(notices.requestPermission).toHaveBeenCalledOnce();
  expect(result.current.state).toBe("on");
});

it("stays off where it was switched off, whatever the browser allows", async () => {
  browser("granted");
  const { result } = renderHook(() => useNoticeSwitch());
  await act(() => result.current.change(false));
  expect(result.current.state).toBe("off");
});
