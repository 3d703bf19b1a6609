"""How a session's agent is named in commits."""

from dataclasses import replace

import pytest
from store_samples import session

from lot.engine.authors import co_author_of


@pytest.mark.parametrize(
    ("program", "co_author"),
    [
        ("claude", "Claude <noreply@anthropic.com>"),
        ("acp:~/.opencode/bin/opencode acp", "opencode <lot@localhost>"),
        ("acp:'/opt/my agent/run' --acp", "run <lot@localhost>"),
    ],
)
def test_agent_is_named_by_its_program(program: str, co_author: str) -> None:
    assert co_author_of(replace(session(), program=program)) == co_author
