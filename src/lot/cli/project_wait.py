"""Waiting for a project's snapshot, with its log on the way."""

import time

from rich.text import Text

from lot.api.schemas.projects import ProjectBody, SnapshotBody
from lot.cli.output import coloured, err, out, plain, print_json
from lot.cli.project_show import print_project
from lot.client.client import LotClient
from lot.core.errors import SetupCommandError

POLL_S = 0.3


def wait_for_snapshot(client: LotClient, project: ProjectBody, *, is_shown: bool) -> ProjectBody:
    """Wait until the newest snapshot is ready or has failed; show its step and its log meanwhile if `is_shown`."""
    offset = 0
    started = time.monotonic()
    with err.status("Waiting for the snapshot", spinner_style="cyan") as status:
        if not is_shown:
            status.stop()
        while project.snapshot is not None:
            news = client.get_snapshot_log(project.snapshot.id, offset)
            offset = news.next_offset
            if is_shown:
                _print_news(news.text)
                step = project.snapshot.step or "building"
                status.update(Text(f"{time.monotonic() - started:5.1f} s  {plain(step)}"))
            if project.snapshot.state != "building" and not news.text:
                break
            time.sleep(POLL_S)
            project = client.get_project(project.id)
    return project


def _print_news(text: str) -> None:
    if text:
        line = coloured(text.removesuffix("\n"))
        line.stylize("dim")
        err.print(line)


def finish(client: LotClient, project: ProjectBody, *, is_waited_for: bool, as_json: bool) -> None:
    if is_waited_for:
        try:
            project = wait_for_snapshot(client, project, is_shown=not as_json)
        except KeyboardInterrupt:
            err.print(f"\nThe build goes on at the server: `lot project show {project.name}`")
            raise
    if as_json:
        print_json(project)
    elif project.snapshot is None or project.snapshot.state != "failed":
        print_project(project)
        if project.snapshot is not None and project.snapshot.state == "preparing":
            out.print(f"An agent sets it up. Next step: `lot session watch {project.setup_session}`")
    if project.snapshot is not None and project.snapshot.state == "failed":
        raise SetupCommandError(_failure(project, project.snapshot))


def _failure(project: ProjectBody, snapshot: SnapshotBody) -> str:
    return (
        f"The snapshot of {project.name} failed: {plain(snapshot.failure or 'no reason was given')}\n"
        f"Its log is above, and in `lot project log {project.name}`. Next step: put it right, "
        f"then `lot project retry {project.name}`"
    )
