"""From typed lines to the answer of one question, plan or request for permission; without a terminal."""

import re
from dataclasses import dataclass, field

from lot.cli.render_asks import AskEvent
from lot.core import events as e
from lot.core.asks import Answer, Question, Verdict

_NUMBERS = re.compile(r"\s*\d+(?:[\s,]+\d+)*[\s,]*")
_WORDS: dict[str, Verdict] = {
    "y": "allow",
    "yes": "allow",
    "ok": "allow",
    "approve": "allow",
    "allow": "allow",
    "a": "allow_always",
    "always": "allow_always",
    "n": "deny",
    "no": "deny",
    "deny": "deny",
}


@dataclass(slots=True)
class Prompt:
    """Asks for one answer, a question after another; `hint` says what can be typed now."""

    event: AskEvent
    problem: str | None = None
    """Why the last line was no answer."""
    _choices: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def question(self) -> Question | None:
        """The question whose turn it is; None for a plan or a permission."""
        asked = self.event.questions if isinstance(self.event, e.QuestionAsked) else ()
        return next((each for each in asked if each.question not in self._choices), None)

    @property
    def place(self) -> tuple[int, int]:
        """Which of how many questions it is, from 1."""
        asked = self.event.questions if isinstance(self.event, e.QuestionAsked) else ()
        return len(self._choices) + 1, len(asked)

    @property
    def hint(self) -> str:
        """What can be typed now."""
        match self.event:
            case e.PlanProposed():
                return "y approves the plan, n denies it; any other text is feedback"
            case e.PermissionAsked(can_allow_always=True):
                return "y allows, a always allows, n denies; more text after it reaches the agent"
            case e.PermissionAsked():
                return "y allows, n denies; more text after it reaches the agent"
            case e.QuestionAsked():
                return _question_hint(self.question)

    def take(self, line: str) -> Answer | None:
        """Take a line; return the answer once it is whole."""
        self.problem = None
        text = line.strip()
        if not text:
            self.problem = "Type an answer"
            return None
        if isinstance(self.event, e.QuestionAsked):
            return self._answer_question(text)
        return self._judge(text)

    def _judge(self, text: str) -> Answer | None:
        word, _, rest = text.partition(" ")
        verdict = _WORDS.get(word.lower().rstrip(",.:;"))
        is_plan = isinstance(self.event, e.PlanProposed)
        if verdict is None:
            if is_plan:
                return Answer(verdict="deny", text=text)
            self.problem = "Begin with y or n"
            return None
        if verdict == "allow_always" and (is_plan or not _can_allow_always(self.event)):
            self.problem = "Always is not on offer here"
            return None
        return Answer(verdict=verdict, text=rest.strip() or None)

    def _answer_question(self, text: str) -> Answer | None:
        question = self.question
        if question is None:
            return Answer(text=text)
        chosen = chosen_of(question, text)
        if isinstance(chosen, str):
            self.problem = chosen
            return None
        # Two questions of the same words are one to the agent, which knows them by their text.
        self._choices[question.question] = chosen
        return None if self.question is not None else Answer(choices=dict(self._choices))


def chosen_of(question: Question, text: str) -> tuple[str, ...] | str:
    """Return the labels that the typed numbers mean, or the text itself; a plain string says what is wrong."""
    if not question.choices or not _NUMBERS.fullmatch(text):
        return (text,)
    numbers = list(dict.fromkeys(int(number) for number in re.findall(r"\d+", text)))
    if not all(1 <= number <= len(question.choices) for number in numbers):
        return f"There are the numbers 1 to {len(question.choices)}; put a word before a number to say it as a text"
    if len(numbers) > 1 and not question.is_multiple:
        return "One number only"
    return tuple(question.choices[number - 1].label for number in numbers)


def _question_hint(question: Question | None) -> str:
    if question is None or not question.choices:
        return "type the answer"
    numbers = "numbers with commas between" if question.is_multiple else "a number"
    return f"{numbers}, or an answer in your own words"


def _can_allow_always(event: AskEvent) -> bool:
    return isinstance(event, e.PermissionAsked) and event.can_allow_always
