"""Projects that are created without commands: what is detected, kept, and told."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from git_repository import commit, git

from lot.core.errors import GitError
from lot.core.records import Project
from lot.engine.detecting import detect_source
from tests.unit.engine.conftest import LIMIT_S, Rig

VITE = {"package.json": '{"scripts": {"dev": "vite"}}', "package-lock.json": "{}"}


async def create(lot: Rig, **given: Any) -> Project:
    """Create a project with nothing but what is given."""
    nothing = dict.fromkeys(("name", "branch", "setup_command", "dev_command", "port"))
    wanted = {"source": "/somewhere/app", "environment": {}, "size": "small", **nothing, **given}
    return await lot.engine.create_project(has_setup_session=False, **wanted)


async def build_log(lot: Rig, project: Project) -> str:
    """Return the log of a project's first build once it is over."""
    with anyio.fail_after(LIMIT_S):
        while await lot.parts.store.current_snapshot(project.id) is None:  # noqa: ASYNC110 - a build tells nobody
            await anyio.sleep(0.005)
    (snapshot,) = await lot.parts.store.list_snapshots(project.id)
    return snapshot.log


async def test_commands_that_nobody_gave_are_detected_kept_and_told(lot: Rig) -> None:
    lot.world.repository = VITE
    project = await create(lot)
    assert (project.setup_command, project.dev_command, project.port) == ("npm ci", "npm run dev", 5173)
    assert await lot.parts.store.get_project(project.id) == project
    log = await build_log(lot, project)
    assert log.startswith("[lot] no commands were given")
    assert "[lot] package.json has a script dev that runs Vite; it listens on port 5173 (its default).\n" in log
    assert "[lot] running the setup command: npm ci\n" in log


async def test_a_script_of_several_lines_is_in_the_log_and_not_in_the_step(lot: Rig) -> None:
    lot.world.repository = {**VITE, "package.json": '{"scripts": {"dev": "vite"}, "dependencies": {"pg": "8"}}'}
    lot.world.hold["run_command"] = anyio.Event()
    project = await create(lot)
    (snapshot,) = await lot.parts.store.list_snapshots(project.id)

    async def is_set_up() -> bool:
        return lot.engine.builds.step(snapshot.id) == "running the setup command"

    await lot.eventually(is_set_up)
    lot.world.hold["run_command"].set()
    assert "[lot] running the setup command: set -e\nsudo apt-get update" in await build_log(lot, project)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"setup_command": ""}, ("", None, None)),
        ({"dev_command": "serve"}, (None, "serve", None)),
        ({"port": 3000}, (None, None, 3000)),
        ({"setup_command": "make", "dev_command": "", "port": None}, ("make", "", None)),
    ],
)
async def test_what_is_given_is_taken_and_nothing_is_detected(
    lot: Rig, given: dict[str, Any], stored: tuple[str | None, str | None, int | None]
) -> None:
    lot.world.repository = VITE
    project = await create(lot, **given)
    assert (project.setup_command, project.dev_command, project.port) == stored
    assert "mirror_read" not in lot.world.calls
    assert "no commands were given" not in await build_log(lot, project)


async def test_a_repository_that_tells_nothing_becomes_a_project_without_commands(lot: Rig) -> None:
    project = await create(lot)
    assert (project.setup_command, project.dev_command, project.port) == (None, None, None)
    assert "nothing could be told" in await build_log(lot, project)


async def test_a_repository_that_cannot_be_read_leaves_no_project(lot: Rig) -> None:
    lot.world.fail["mirror_read"] = GitError("the disk is full")
    with pytest.raises(GitError):
        await create(lot)
    assert not await lot.parts.store.list_projects()


async def test_a_repository_that_is_no_project_is_looked_at(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "index.html", "<h1>Hello</h1>")
    (tmp_path / "package.json").write_text(VITE["package.json"])
    assert (await detect_source(str(tmp_path), None)).dev_command == "python3 -m http.server 8000"
    git(tmp_path, "switch", "--quiet", "--create", "next")
    commit(tmp_path, "README.md", "")
    assert (await detect_source(str(tmp_path), "next")).dev_command == "npm run dev"
