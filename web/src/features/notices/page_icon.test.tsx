import { renderHook } from "@testing-library/react";
import { expect, it } from "vitest";

import { useIconDot } from "./page_icon";

it("has a dot while there is news, and none afterwards", () => {
  document.head.innerHTML = '<link rel="icon" href="/icon.svg" />';
  const icon = () => document.querySelector("link")?.getAttribute("href");
  const { rerender, unmount } = renderHook(({ hasNews }) => useIconDot(hasNews), {
    initialProps: { hasNews: true },
  });
  expect(icon()).toBe("/icon-news.svg");
  rerender({ hasNews: false });
  expect(icon()).toBe("/icon.svg");
  rerender({ hasNews: true });
  unmount();
  expect(icon()).toBe("/icon.svg");
});
