import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { copyText } from "./clipboard";

beforeEach(() => {
  vi.stubGlobal("navigator", { clipboard: undefined });
});

afterEach(() => {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(document, "execCommand");
});

/** Has the browser know the old command, and returns what it copied. */
function withCommand(isAllowed: boolean): string[] {
  const copied: string[] = [];
  Object.assign(document, {
    execCommand: () => {
      const area = document.activeElement as HTMLTextAreaElement;
      copied.push(area.value.slice(area.selectionStart, area.selectionEnd));
      return isAllowed;
    },
  });
  return copied;
}

it("copies without a clipboard, leaves nothing behind, and the focus where it was", async () => {
  const button = document.createElement("button");
  document.body.append(button);
  button.focus();
  const copied = withCommand(true);
  await copyText("lot/a-branch");
  expect(copied).toEqual(["lot/a-branch"]);
  expect(document.querySelector("textarea")).toBeNull();
  expect(document.activeElement).toBe(button);
});

it("says what to do where the browser refuses", async () => {
  withCommand(false);
  await expect(copyText("x")).rejects.toThrow("copy it by key");
});
