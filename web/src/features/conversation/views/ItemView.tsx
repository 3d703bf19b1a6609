import { memo } from "react";

import type { Item } from "../items";
import { BuildView } from "./BuildView";
import { MarkView, RetryView, StepsView } from "./MarkViews";
import { MessageView } from "./MessageView";
import { PlanView } from "./PlanView";
import { QuestionView } from "./QuestionView";
import { TextView, ThoughtView } from "./TextViews";
import { TodoView } from "./TodoView";
import { ToolView } from "./ToolView";
import { TurnEndView } from "./TurnEndView";

/** One item of a conversation, whatever it is; drawn anew only where it is another. */
export const ItemView = memo(function ItemView({ item }: { item: Item }) {
  switch (item.type) {
    case "message":
      return <MessageView item={item} />;
    case "text":
      return <TextView item={item} />;
    case "thought":
      return <ThoughtView item={item} />;
    case "tool":
      return <ToolView item={item} />;
    case "question":
      return <QuestionView item={item} />;
    case "plan":
      return <PlanView item={item} />;
    case "todo":
      return <TodoView item={item} />;
    case "turn_end":
      return <TurnEndView item={item} />;
    case "retry":
      return <RetryView item={item} />;
    case "steps":
      return <StepsView item={item} />;
    case "build":
      return <BuildView item={item} />;
    case "mark":
      return <MarkView item={item} />;
  }
});
