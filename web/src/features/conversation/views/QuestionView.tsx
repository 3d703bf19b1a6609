import { MessageCircleQuestion } from "lucide-react";
import { memo, use, useId, useState } from "react";

import type { Answer } from "@/api/types";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/fields";

import { useAnswer } from "../answer_call";
import { answerOf, choose, type Filled, type Question, write } from "../answering";
import { SessionContext } from "../folding";
import type { QuestionItem } from "../items";
import { AskCard, AskError } from "./AskCard";

const NOTHING: Filled = { chosen: [], other: "" };

/** What the agent asks: a form while it is open, question and answer afterwards. */
export const QuestionView = memo(function QuestionView({ item }: { item: QuestionItem }) {
  if (item.ask.state === "open") return <QuestionForm item={item} />;
  return (
    <div className="my-2 flex flex-col gap-2 rounded-xl border p-4">
      {item.questions.map((question) => (
        <div key={question.question}>
          <p className="flex items-start gap-2 text-ink-2">
            <MessageCircleQuestion className="mt-0.5 size-4 shrink-0 text-ink-3" aria-hidden />
            {question.question}
          </p>
          <p className="pl-6 font-medium">{answered(item, question)}</p>
        </div>
      ))}
    </div>
  );
});

function QuestionForm({ item }: { item: QuestionItem }) {
  const answer = useAnswer(use(SessionContext), item.ask.id);
  const [filled, setFilled] = useState<readonly Filled[]>(() => item.questions.map(() => NOTHING));
  const body = answerOf(item.questions, filled);
  const change = (index: number, to: Filled) =>
    setFilled(filled.map((each, at) => (at === index ? to : each)));
  return (
    <AskCard title={item.questions.length === 1 ? "The agent asks you" : "The agent has questions"}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (body !== null) answer.mutate(body);
        }}
      >
        {item.questions.map((question, index) => (
          <Choices
            key={question.question}
            question={question}
            filled={filled[index] ?? NOTHING}
            onChange={(to) => change(index, to)}
          />
        ))}
        <div>
          <Button
            type="submit"
            tone="primary"
            disabled={body === null}
            busy={answer.isPending || answer.isSuccess}
          >
            Answer
          </Button>
        </div>
        <AskError error={answer.error} />
      </form>
    </AskCard>
  );
}

interface ChoicesProps {
  question: Question;
  filled: Filled;
  onChange: (filled: Filled) => void;
}

function Choices({ question, filled, onChange }: ChoicesProps) {
  const name = useId();
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1.5 font-medium">
        {question.question}
        {question.is_multiple && <span className="font-normal text-ink-2"> (several may be chosen)</span>}
      </legend>
      {question.choices.map((choice) => (
        <label
          key={choice.label}
          className="flex cursor-pointer items-start gap-2.5 rounded-lg border bg-raised px-3 py-2 hover:border-line-strong has-checked:border-accent"
        >
          <input
            type={question.is_multiple ? "checkbox" : "radio"}
            name={name}
            className="mt-1 size-4 shrink-0 accent-accent"
            checked={filled.chosen.includes(choice.label)}
            onChange={() => onChange(choose(question, filled, choice.label))}
          />
          <span>
            <span className="font-medium">{choice.label}</span>
            {choice.description && <span className="block text-ink-2">{choice.description}</span>}
          </span>
        </label>
      ))}
      <Input
        aria-label={`Your own answer to: ${question.question}`}
        placeholder={question.choices.length > 0 ? "Or in your own words" : "Your answer"}
        value={filled.other}
        onChange={(event) => onChange(write(question, filled, event.target.value))}
      />
    </fieldset>
  );
}

function answered(item: QuestionItem, question: Question): string {
  const answer: Answer | null = item.ask.answer;
  if (item.ask.state === "withdrawn") return "Not asked any more";
  const chosen = answer?.choices?.[question.question];
  return chosen?.join(", ") ?? answer?.text ?? "Answered";
}
