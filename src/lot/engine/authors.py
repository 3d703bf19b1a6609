"""Whose commits a session makes: the user's as the git account knows them, with the agent as co-author."""

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

from lot.core.records import Project, Session
from lot.engine.parts import Parts

CLAUDE = "Claude <noreply@anthropic.com>"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a commit."""

    name: str = "Lot"
    email: str = "lot@localhost"


async def author_of(parts: Parts, project: Project) -> Author:
    """Return the user of the project's git account; Lot itself where there is none."""
    if project.account_id is None:
        return Author()
    account = await parts.store.get_git_account(project.account_id)
    return Author(account.author_name, account.author_email)


def co_author_of(session: Session) -> str:
    """Return the session's agent as a trailer names it."""
    kind, _, command = session.program.partition(":")
    if kind != "acp":
        return CLAUDE
    words = shlex.split(command)
    return f"{PurePosixPath(words[0]).name if words else 'agent'} <lot@localhost>"
