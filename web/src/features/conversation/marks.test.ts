import { describe, expect, it } from "vitest";

import type { MarkItem } from "./items";
import { markOf } from "./marks";

describe("the mark of a dev server that ended", () => {
  it("says the first line of what it printed, without colours", () => {
    const event = {
      kind: "dev_server_changed",
      at: "2026-11-28T15:00:00Z",
      status: "exited",
      port: null,
      process: null,
      detail: "\u001b[31mError: no such module\u001b[0m\n    at line 3\n    at line 4",
    } as MarkItem["event"];
    expect(markOf(event).text).toBe("The dev server ended: Error: no such module");
  });
});
