"""A start while another project's snapshot is being built."""

import time

from lot.api.schemas.projects import ProjectBody
from lot.bench.project_figures import BesideBuild
from lot.bench.samples import Sample, another_build
from lot.bench.sessions import BUILD_POLL_S, BUILD_TIMEOUT_S, noted, started
from lot.client.client import LotClient
from lot.core.errors import SetupCommandError

_AT_WORK = ("running the setup command", "starting the dev server")
"""Steps of a build in which the project's own programs run."""


def start_beside_build(client: LotClient, sample: Sample, other: Sample, result: BesideBuild) -> None:
    """Start a session of `sample` while nothing else is done, then one while a snapshot of `other` is built.

    A start that was not over before the build counts as one that went wrong: it was not beside it.
    """
    with noted(result.quiet) as seconds, started(client, sample.project) as session:
        session.wait_until_idle()
        seconds.append(session.start_s)
    with noted(result.building) as seconds, another_build(client, other) as building:
        _wait_until_at_work(client, building)
        with started(client, sample.project) as session:
            if not _is_building(client, building):
                raise SetupCommandError(f"the build of {other.name} ended before the start beside it did")
            session.wait_until_idle()
            seconds.append(session.start_s)


def _wait_until_at_work(client: LotClient, project: ProjectBody) -> None:
    until = time.monotonic() + BUILD_TIMEOUT_S
    while _is_building(client, project) and time.monotonic() < until:
        snapshot = client.get_project(project.id).snapshot
        if snapshot is not None and (snapshot.step or "").startswith(_AT_WORK):
            return
        time.sleep(BUILD_POLL_S)
    raise SetupCommandError(f"the build of {project.name} never came to its setup command")


def _is_building(client: LotClient, project: ProjectBody) -> bool:
    snapshot = client.get_project(project.id).snapshot
    return snapshot is not None and snapshot.state == "building"
