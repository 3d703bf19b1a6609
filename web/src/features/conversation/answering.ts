/** How what is filled in becomes the answer to what the agent asks. */
import type { Answer, EventOf } from "@/api/types";

export type Question = EventOf<"question_asked">["questions"][number];

/** What is filled in for one question: labels that are chosen, and free text. */
export interface Filled {
  chosen: readonly string[];
  other: string;
}

/** Returns what is chosen after a click on a choice. */
export function choose(question: Question, before: Filled, label: string): Filled {
  if (!question.is_multiple) return { chosen: [label], other: "" };
  const chosen = before.chosen.includes(label)
    ? before.chosen.filter((each) => each !== label)
    : [...before.chosen, label];
  return { ...before, chosen };
}

/** Returns what is filled in after free text was written; of one answer alone it takes the choice's place. */
export function write(question: Question, before: Filled, other: string): Filled {
  return { chosen: !question.is_multiple && other.trim() !== "" ? [] : before.chosen, other };
}

/** Returns the answer; null while a question is open. */
export function answerOf(questions: readonly Question[], filled: readonly Filled[]): Answer | null {
  const choices: Record<string, string[]> = {};
  for (const [index, question] of questions.entries()) {
    const { chosen, other } = filled[index] ?? { chosen: [], other: "" };
    const all = other.trim() === "" ? [...chosen] : [...chosen, other.trim()];
    if (all.length === 0) return null;
    choices[question.question] = all;
  }
  return { choices };
}
