import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Tooltip } from "radix-ui";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { keys } from "@/api/queries";
import type { DiffBody, DiffFileBody, PullRequestBody, SessionBody } from "@/api/types";
import { readDraft, writeDraft } from "@/features/conversation/drafts";

import DiffPanel from "./DiffPanel";

const SESSION = {
  id: "s1",
  project_id: "p1",
  title: "A task",
  label: "Idle",
  sandbox: "on",
  branch: "lot/a-task-s1",
  base_branch: "main",
} as SessionBody;

function file(path: string, more: Partial<DiffFileBody> = {}): DiffFileBody {
  return {
    path,
    old_path: null,
    status: "modified",
    added: 1,
    removed: 1,
    is_binary: false,
    is_too_large: false,
    patch: "@@ -1 +1 @@\n-const word = 1;\n+const word = 2;\n",
    ...more,
  };
}

function diffOf(files: DiffFileBody[], more: Partial<DiffBody> = {}): DiffBody {
  return {
    base_commit: "abc",
    patch: "",
    is_truncated: false,
    is_live: true,
    taken_at: "2026-01-02T10:00:00Z",
    files,
    ...more,
  };
}

const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("fetch", (request: Request) => {
    const url = new URL(request.url);
    asked.push(`${request.method} ${url.pathname}${url.search}`);
    if (request.method === "POST") {
      return Promise.resolve(
        Response.json({ code: "git.push_refused", message: "the branch is protected" }, { status: 502 }),
      );
    }
    return Promise.resolve(
      Response.json({ path: "big", patch: "@@ -0,0 +1 @@\n+late\n", is_truncated: false }),
    );
  });
});

function show(
  diff: DiffBody | null,
  session: SessionBody = SESSION,
  pullRequest: PullRequestBody | null = null,
) {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
  client.setQueryData([...keys.diff("s1"), "by-file"], diff);
  client.setQueryData(keys.pullRequest("s1"), pullRequest);
  return render(
    <QueryClientProvider client={client}>
      <Tooltip.Provider>
        <DiffPanel session={session} />
      </Tooltip.Provider>
    </QueryClientProvider>,
  );
}

describe("the diff", () => {
  it("shows each file with its mark, its counts and its lines", () => {
    show(
      diffOf([
        file("src/a.ts"),
        file("new.png", { status: "added", added: null, removed: null, is_binary: true }),
      ]),
    );
    const section = screen.getByRole("region", { name: "src/a.ts" });
    expect(within(section).getByLabelText("Modified")).toHaveTextContent("M");
    expect(within(section).getByRole("table")).toHaveTextContent("const word = 2;");
    expect(within(screen.getByRole("region", { name: "new.png" })).getByText(/binary file/)).toBeVisible();
    expect(screen.getByText("Live")).toBeVisible();
  });

  it("folds one file, and all", async () => {
    show(diffOf([file("a.ts"), file("b.ts")]));
    const user = userEvent.setup();
    const section = screen.getByRole("region", { name: "a.ts" });
    await user.click(within(section).getByRole("button", { expanded: true }));
    expect(screen.getAllByRole("table")).toHaveLength(1);
    await user.click(screen.getByRole("button", { name: "Fold all files" }));
    expect(screen.queryByRole("table")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Unfold all files" }));
    expect(screen.getAllByRole("table")).toHaveLength(2);
  });

  it("reads a file that is too large only when asked to", async () => {
    show(diffOf([file("big", { is_too_large: true, patch: null })]));
    expect(asked).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Show its changes" }));
    expect(await screen.findByText("late")).toBeVisible();
    expect(asked).toEqual(["GET /api/sessions/s1/diff/file?path=big"]);
  });

  it("puts a comment on a line into the message that is being written", async () => {
    writeDraft("s1", "");
    show(diffOf([file("src/c.ts")]));
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "Comment on line 1" }));
    await user.type(screen.getByRole("textbox", { name: "Comment on line 1" }), "Why two?");
    await user.click(screen.getByRole("button", { name: "Add to message" }));
    expect(readDraft("s1")).toBe("On `src/c.ts`, line 1:\n```diff\n+const word = 2;\n```\nWhy two?");
    expect(screen.queryByRole("textbox")).toBeNull();
  });

  it("says of when the last diff is while the session is paused", () => {
    show(diffOf([file("a.ts")], { is_live: false }), { ...SESSION, label: "Paused", sandbox: "paused" });
    expect(screen.getByText(/^Last diff, from/)).toBeVisible();
  });

  it("says that nothing has changed, and why nothing can be published", () => {
    show(diffOf([]));
    expect(screen.getByText("No changes yet")).toBeVisible();
    expect(screen.getByRole("button", { name: "Create PR" })).toHaveAttribute("aria-disabled", "true");
  });
});

describe("the pull request", () => {
  const PULL_REQUEST = {
    project_id: "p1",
    number: 7,
    title: "A task",
    state: "open",
    url: "https://git.example/7",
    head_commit: "c",
  } as PullRequestBody;

  it("is linked, and can be updated", () => {
    show(diffOf([file("a.ts")]), SESSION, PULL_REQUEST);
    expect(screen.getByRole("link", { name: /A task/ })).toHaveAttribute("href", "https://git.example/7");
    expect(screen.getByRole("button", { name: "Update PR" })).toBeEnabled();
  });

  it("is no link where its address is none of the web", () => {
    show(diffOf([file("a.ts")]), SESSION, { ...PULL_REQUEST, url: "javascript:alert(1)" });
    expect(screen.queryByRole("link")).toBeNull();
    expect(screen.getByText("A task")).toBeVisible();
  });

  it("says what the host refused, and that the work is kept", async () => {
    show(diffOf([file("a.ts")]));
    await userEvent.click(screen.getByRole("button", { name: "Create PR" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("the branch is protected");
    expect(screen.getByRole("alert")).toHaveTextContent("kept");
  });
});
