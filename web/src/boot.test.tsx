import { readFileSync } from "node:fs";

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

beforeAll(() => {
  // As the page has it: a script of its own, that knows nothing of modules.
  (0, eval)(readFileSync("boot.js", "utf8"));
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  document.head.replaceChildren();
  document.body.replaceChildren();
});

/** Puts an element into the page that jsdom does not load. */
function put(html: string, where: Element = document.head): Element {
  where.insertAdjacentHTML("beforeend", html);
  return where.lastElementChild!;
}

const fail = (part: Element) => part.dispatchEvent(new Event("error"));

it("puts a stylesheet that did not arrive into the page anew", () => {
  const first = put('<link rel="stylesheet" crossorigin href="/assets/a.css">');
  fail(first);
  expect(first.isConnected).toBe(true);
  vi.runAllTimers();
  const second = document.querySelector("link")!;
  expect(second).not.toBe(first);
  expect(second.outerHTML).toBe(first.outerHTML);
});

it("says so where the first script never comes", () => {
  put('<div id="root"></div>', document.body);
  put('<script type="module" src="/assets/index.js"></script>');
  for (let time = 0; time < 7; time += 1) {
    expect(document.body).toHaveTextContent("");
    fail(document.querySelector("script")!);
    vi.runAllTimers();
  }
  expect(document.querySelector("[role=alert]")).toHaveTextContent("Lot could not be loaded");
  expect(document.querySelector("button")).toHaveTextContent("Try again");
});

it("leaves an application alone that is there", () => {
  put('<div id="root"><p>Sessions</p></div>', document.body);
  put('<script type="module" src="/assets/other.js"></script>');
  for (let time = 0; time < 7; time += 1) {
    fail(document.querySelector("script")!);
    vi.runAllTimers();
  }
  expect(document.body).toHaveTextContent(/^Sessions$/);
});

it("takes no notice of what fails in a page that has arrived", () => {
  const image = put('<img src="/gone.png" alt="">', document.body);
  fail(image);
  dispatchEvent(new ErrorEvent("error", { message: "a defect" }));
  vi.runAllTimers();
  expect(image.isConnected).toBe(true);
});
