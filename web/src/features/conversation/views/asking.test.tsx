import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { draw } from "../../../../test/draw";
import { SessionContext } from "../folding";
import type { Ask, PlanItem, QuestionItem, ToolItem } from "../items";
import { emptyTool } from "../live_parts";
import { PlanView } from "./PlanView";
import { QuestionView } from "./QuestionView";
import { ToolView } from "./ToolView";

const AT = "2026-11-22T12:00:00Z";
const ask: Ask = { id: "toolu_2", state: "open", answer: null, canAllowAlways: true };
const place = { key: "toolu_2", at: AT, ask };
const sent: { url: string; body: unknown }[] = [];

beforeEach(() => {
  sent.length = 0;
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push({ url: new URL(request.url).pathname, body: await request.json() });
    return Response.json({});
  });
});

function drawInSession(view: React.ReactNode) {
  return draw(<SessionContext value="s1">{view}</SessionContext>);
}

describe("a question", () => {
  const item: QuestionItem = {
    type: "question",
    ...place,
    questions: [
      {
        question: "Which pages?",
        header: null,
        is_multiple: true,
        choices: [
          { label: "Home", description: "The first page" },
          { label: "About", description: null },
        ],
      },
      {
        question: "Which title?",
        header: null,
        is_multiple: false,
        choices: [{ label: "Keep it", description: null }],
      },
    ],
  };

  it("is answered in place, once every question has an answer", async () => {
    const user = userEvent.setup();
    drawInSession(<QuestionView item={item} />);
    const answer = screen.getByRole("button", { name: "Answer" });
    await user.click(screen.getByRole("checkbox", { name: /Home/ }));
    await user.click(screen.getByRole("checkbox", { name: /About/ }));
    expect(answer).toBeDisabled();
    await user.type(screen.getByRole("textbox", { name: /Which title/ }), "Hello");
    await user.click(answer);
    expect(sent).toEqual([
      {
        url: "/api/sessions/s1/asks/toolu_2/answer",
        body: { choices: { "Which pages?": ["Home", "About"], "Which title?": ["Hello"] } },
      },
    ]);
  });

  it("shows what was answered, and no form, afterwards", () => {
    const answer = {
      choices: { "Which pages?": ["Home"], "Which title?": ["Hello"] },
      text: null,
      verdict: null,
      mode: null,
    };
    drawInSession(<QuestionView item={{ ...item, ask: { ...ask, state: "taken", answer } }} />);
    expect(screen.getByText("Hello")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Answer" })).toBeNull();
  });
});

it("sends a plan back with what is to be different", async () => {
  const user = userEvent.setup();
  const item: PlanItem = { type: "plan", ...place, plan: "# Plan\n\n1. Change it" };
  drawInSession(<PlanView item={item} />);
  expect(screen.getByRole("heading", { name: "Plan" })).toBeInTheDocument();
  await user.type(screen.getByRole("textbox", { name: /What else/ }), "Shorter");
  await user.click(screen.getByRole("button", { name: "Keep planning" }));
  expect(sent[0]?.body).toEqual({ verdict: "deny", text: "Shorter" });
});

describe("a call of a tool", () => {
  const call: ToolItem = {
    ...emptyTool("toolu_2", AT),
    name: "Bash",
    kind: "execute",
    title: "npm test",
    input: { command: "npm test -- --run" },
  };

  it("asks for permission with the whole command in sight", async () => {
    const user = userEvent.setup();
    drawInSession(<ToolView item={{ ...call, ask }} />);
    const form = screen.getByRole("region", { name: "May the agent do this?" });
    expect(within(form).getByText("npm test -- --run")).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Allow always" }));
    expect(sent[0]?.body).toEqual({ verdict: "allow_always", text: null });
  });

  it("shows what a running command prints without a click, and hides what one that ended has printed", () => {
    const { unmount } = drawInSession(
      <ToolView item={{ ...call, key: "t1", output: "\u001b[31mone failed\u001b[0m" }} />,
    );
    expect(screen.getByText("one failed").style.color).toBe("var(--ansi-red)");
    unmount();
    drawInSession(
      <ToolView item={{ ...call, key: "t2", status: "done", output: "all passed", endedAt: AT }} />,
    );
    expect(screen.queryByText("all passed")).toBeNull();
    expect(screen.getByRole("button", { name: /npm test\s*Done/ })).toBeInTheDocument();
  });

  it("unfolds to what came of it", async () => {
    const user = userEvent.setup();
    drawInSession(
      <ToolView item={{ ...call, key: "t3", status: "failed", output: "Exit code 1", endedAt: AT }} />,
    );
    await user.click(screen.getByRole("button", { name: /npm test/ }));
    expect(screen.getByText("Exit code 1")).toBeInTheDocument();
  });

  it("shows the lines of an edit, and how many they are", () => {
    const hunks = [{ oldStart: 1, newStart: 1, lines: [" a", "-grey", "+blue", "+dark"] }];
    drawInSession(
      <ToolView
        item={{ ...call, key: "t4", kind: "edit", title: "Edit src/App.tsx", status: "done", hunks }}
      />,
    );
    expect(screen.getByText("+blue")).toBeInTheDocument();
    expect(screen.getByText("+2")).toBeInTheDocument();
    expect(screen.getByText("−1")).toBeInTheDocument();
  });
});
