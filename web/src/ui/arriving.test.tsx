import { beforeEach, expect, it, vi } from "vitest";

import { arriving, NotArrivedError } from "./arriving";

const LOST = new TypeError("Failed to fetch dynamically imported module");

beforeEach(() => sessionStorage.clear());

function surroundings(newest: string | null) {
  return {
    wait: vi.fn(() => Promise.resolve()),
    newestEntry: () => Promise.resolve(newest),
    entry: () => "/assets/index-1.js",
    reload: vi.fn(),
  };
}

it("asks again for a part that did not arrive, after longer and longer waits", async () => {
  const around = surroundings("/assets/index-1.js");
  const load = vi.fn().mockRejectedValueOnce(LOST).mockRejectedValueOnce(LOST).mockResolvedValue("here");
  expect(await arriving(load, around)).toBe("here");
  expect(around.wait.mock.calls).toEqual([[250], [500]]);
  expect(around.reload).not.toHaveBeenCalled();
});

it.each([["/assets/index-1.js"], [null]])("gives up in the end where the build is %s", async (newest) => {
  const around = surroundings(newest);
  await expect(arriving(() => Promise.reject(LOST), around)).rejects.toBeInstanceOf(NotArrivedError);
  expect(around.reload).not.toHaveBeenCalled();
});

it("loads the page anew where the server has a newer build, and only once for it", async () => {
  const around = surroundings("/assets/index-2.js");
  void arriving(() => Promise.reject(LOST), around);
  await vi.waitFor(() => expect(around.reload).toHaveBeenCalledOnce());
  await expect(arriving(() => Promise.reject(LOST), around)).rejects.toBeInstanceOf(NotArrivedError);
  expect(around.reload).toHaveBeenCalledOnce();
});
