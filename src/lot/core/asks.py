"""What an agent asks of its user, and the answer; one shape for questions, plans and permissions.

Shaped after Claude's AskUserQuestion and the Agent Client Protocol's permission requests. Stored within events: a
class only ever gains fields with defaults.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_ANSWER_CHARS = 20_000

AskKind = Literal["question", "plan", "permission"]
Verdict = Literal["allow", "allow_always", "deny"]


class Choice(BaseModel):
    """One thing that can be chosen."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    label: str
    description: str | None = None


class Question(BaseModel):
    """One question; free text is always an answer too."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    question: str
    header: str | None = None
    is_multiple: bool = False
    choices: tuple[Choice, ...] = ()


class Answer(BaseModel):
    """What the user says. A question takes `choices` or `text`; plans and permissions take `verdict`, and `text`."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    choices: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Question's text to what was chosen: labels, or free text."""
    text: str | None = Field(default=None, max_length=MAX_ANSWER_CHARS)
    """A reply in place of choices; the reason for a denial; what else to mind with an approval."""
    verdict: Verdict | None = None
    mode: str | None = None
    """The mode to go on in after a plan was approved; None: the session's mode before it was planning."""
