import { ClipboardList } from "lucide-react";
import { memo, use, useState } from "react";

import { Button } from "@/ui/Button";
import { Select, TextArea } from "@/ui/fields";

import { useAnswer } from "../answer_call";
import { SessionContext } from "../folding";
import type { PlanItem } from "../items";
import { AskCard, AskError } from "./AskCard";
import { Markdown } from "./Markdown";

/** A plan that the agent proposes: approved, or sent back with what is to be different. */
export const PlanView = memo(function PlanView({ item }: { item: PlanItem }) {
  if (item.ask.state === "open") {
    return (
      <AskCard title="The agent proposes a plan">
        <div className="rounded-lg border bg-raised p-4">
          <Markdown text={item.plan} />
        </div>
        <Approval ask={item.ask.id} />
      </AskCard>
    );
  }
  return (
    <div className="my-2 rounded-xl border p-4">
      <p className="mb-2 flex items-center gap-2 font-medium text-ink-2">
        <ClipboardList className="size-4" aria-hidden />
        {OUTCOMES[outcomeOf(item)]}
      </p>
      <Markdown text={item.plan} />
      {item.ask.answer?.text && <p className="mt-3 border-t pt-2 text-ink-2">You: {item.ask.answer.text}</p>}
    </div>
  );
});

function Approval({ ask }: { ask: string }) {
  const answer = useAnswer(use(SessionContext), ask);
  const [text, setText] = useState("");
  const [mode, setMode] = useState("");
  const isBusy = answer.isPending || answer.isSuccess;
  const words = text.trim() === "" ? null : text;
  return (
    <>
      <TextArea
        aria-label="What else the agent is to mind, or what is to be different"
        placeholder="What else to mind, or what is to be different"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="flex flex-wrap items-center gap-2">
        <Button
          tone="primary"
          busy={isBusy}
          onClick={() => answer.mutate({ verdict: "allow", text: words, mode: mode === "" ? null : mode })}
        >
          Approve
        </Button>
        <Button busy={isBusy} onClick={() => answer.mutate({ verdict: "deny", text: words })}>
          Keep planning
        </Button>
        <Select
          aria-label="What the agent may do afterwards"
          className="w-auto"
          value={mode}
          onChange={(event) => setMode(event.target.value)}
        >
          <option value="">Go on in the mode before planning</option>
          <option value="full">Go on without asking</option>
          <option value="edits">Ask before commands</option>
          <option value="ask">Ask before everything</option>
        </Select>
      </div>
      <AskError error={answer.error} />
    </>
  );
}

const OUTCOMES = {
  approved: "Plan approved",
  denied: "Plan sent back",
  withdrawn: "Plan withdrawn",
  open: "Plan",
};

function outcomeOf(item: PlanItem): keyof typeof OUTCOMES {
  if (item.ask.state === "withdrawn") return "withdrawn";
  if (item.ask.answer === null) return "open";
  return item.ask.answer.verdict === "deny" ? "denied" : "approved";
}
