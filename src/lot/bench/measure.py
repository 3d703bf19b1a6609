"""Runs Lot and the bare runtime in turns, so that both meet the same moods of the machine."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from lot.api.schemas.projects import ProjectBody
from lot.bench.bare import BareRuntime
from lot.bench.figures import Figure, Result
from lot.bench.sessions import REST_S, MeasuredSession, create_project, noted, session
from lot.client.client import LotClient
from lot.client.own_server import OwnServer
from lot.config import Settings
from lot.core.errors import LotError, SetupError
from lot.examples import vite_react
from lot.sandbox.base_image import find_base_image
from lot.sandbox.runtime import load_runtime


def measure(
    client: LotClient, server: OwnServer, settings: Settings, runs: int, progress: Callable[[str, float], None]
) -> Result:
    """Measure everything `runs` times.

    Args:
        client: Of the server.
        server: Ours: its snapshot's layer is what the bare runtime starts from, too.
        settings: Where runtime and base images are.
        runs: How often.
        progress: Told what is being done, and how much is finished (0 to 1).

    Raises:
        SetupError, SetupCommandError: the machine is not set up, or the example's snapshot could not be built.
    """
    progress("snapshot with memory", 0.0)
    source = str(vite_react.make_repository(server.data_dir / "bench-repository"))
    warm = create_project(client, source, with_memory=True)
    bare = _bare_runtime(server.data_dir, settings)
    progress("snapshot without memory", 0.0)
    cold = create_project(client, source, with_memory=False)
    result = Result()
    for run in range(runs):
        progress(f"run {run + 1} of {runs}: bare runtime", run / runs)
        result.load_average.append(round(os.getloadavg()[0], 2))
        _run_bare(bare, f"bare-{run}", result)
        progress(f"run {run + 1} of {runs}: sessions", (run + 0.5) / runs)
        _run_cold(client, cold, result.figures["start_cold"])
        _run_warm(client, warm, result)
    progress("done", 1.0)
    return result


def _bare_runtime(data_dir: Path, settings: Settings) -> BareRuntime:
    """Return the bare runtime on the layers of the one snapshot that there is so far."""
    image = find_base_image(settings.images_dir)
    if image is None:
        raise SetupError("There is no base image. Next step: run `make setup` (or `lot setup`)")
    (snapshot,) = (folder for folder in (data_dir / "layers").iterdir() if not folder.name.startswith("."))
    return BareRuntime(
        folder=data_dir / "bare",
        runtime=load_runtime(settings.runtime_dir),
        stack=(image.rootfs, snapshot),
        command=vite_react.DEV_COMMAND,
        port=vite_react.PORT,
    )


def _run_bare(bare: BareRuntime, name: str, result: Result) -> None:
    figures = result.figures
    try:
        with bare.sandbox(name) as sandbox:
            figures["start_cold"].bare_seconds.append(sandbox.start())
            time.sleep(REST_S)
            checkpoint_s = sandbox.checkpoint()
            time.sleep(REST_S)
            restore_s = sandbox.restore()
    except LotError as error:
        result.bare_failures.append(str(error))
        return
    figures["pause"].bare_seconds.append(checkpoint_s)
    for key in ("start_snapshot", "resume"):
        figures[key].bare_seconds.append(restore_s)
    figures["fork"].bare_seconds.append(checkpoint_s + restore_s)


def _run_cold(client: LotClient, project: ProjectBody, figure: Figure) -> None:
    with noted(figure) as seconds, session(client, project) as started:
        seconds.append(started.start_s)


def _run_warm(client: LotClient, project: ProjectBody, result: Result) -> None:
    """One session: started, paused, resumed, forked. What fails ends the run; what came before it counts."""
    figures = result.figures
    moves: tuple[tuple[str, Callable[[MeasuredSession], float]], ...] = (
        ("pause", MeasuredSession.pause),
        ("resume", MeasuredSession.resume),
        ("fork", MeasuredSession.fork),
    )
    doing = "start_snapshot"
    try:
        with session(client, project) as started:
            figures[doing].seconds.append(started.start_s)
            result.runner_memory_bytes.append(started.runner_memory_bytes())
            for doing, move in moves:
                figures[doing].seconds.append(move(started))
    except LotError as error:
        figures[doing].failures.append(str(error))
