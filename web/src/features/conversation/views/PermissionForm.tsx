import { use, useState } from "react";

import type { Answer } from "@/api/types";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/fields";

import { useAnswer } from "../answer_call";
import { SessionContext } from "../folding";
import type { Ask, ToolItem } from "../items";
import { AskCard, AskError } from "./AskCard";
import { CommandOutput } from "./CommandOutput";

/** Asks whether a call may be made, below the call itself. */
export function PermissionForm({ item, ask }: { item: ToolItem; ask: Ask }) {
  const answer = useAnswer(use(SessionContext), ask.id);
  const [reason, setReason] = useState("");
  const say = (verdict: Answer["verdict"]) =>
    answer.mutate({ verdict, text: reason.trim() === "" ? null : reason });
  const isBusy = answer.isPending || answer.isSuccess;
  return (
    <AskCard title="May the agent do this?">
      <CommandOutput output={whatOf(item)} isLive={false} label="What the agent wants to do" />
      <Input
        aria-label="What the agent is to know (optional)"
        placeholder="Say something with it (optional)"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" busy={isBusy} onClick={() => say("allow")}>
          Allow
        </Button>
        {ask.canAllowAlways && (
          <Button busy={isBusy} onClick={() => say("allow_always")}>
            Allow always
          </Button>
        )}
        <Button busy={isBusy} onClick={() => say("deny")}>
          Deny
        </Button>
      </div>
      <AskError error={answer.error} />
    </AskCard>
  );
}

function whatOf(item: ToolItem): string {
  const { command, content } = item.input;
  if (typeof command === "string") return command;
  if (typeof content === "string") return `${item.title}\n\n${content}`;
  return `${item.title}\n\n${JSON.stringify(item.input, null, 2)}`;
}
