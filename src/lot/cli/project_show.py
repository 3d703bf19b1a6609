"""How a project and its snapshot are shown."""

from rich.text import Text

from lot.api.schemas.projects import ProjectBody, SnapshotBody
from lot.cli.output import facts, out
from lot.cli.session_show import spent_of


def state_of(project: ProjectBody) -> Text:
    if project.snapshot is None:
        return Text("none", style="dim")
    if project.snapshot.state == "ready" and project.snapshot.stale_files:
        return Text("ready, stale", style="yellow")
    style = {"ready": "green", "failed": "red"}.get(project.snapshot.state, "yellow")
    note = " (an older one serves)" if project.snapshot.state != "ready" and project.ready_snapshot else ""
    return Text(project.snapshot.state + note, style=style)


def print_project(project: ProjectBody) -> None:
    snapshot = project.snapshot
    out.print(
        facts(
            [
                ("project", f"{project.name}  {project.id}"),
                ("source", f"{project.source}, branch {project.branch}"),
                ("account", project.account),
                ("setup", project.setup_command),
                ("dev server", f"{project.dev_command}, port {project.port}" if project.dev_command else None),
                *((name, command) for name, command in project.processes.items()),
                ("size", project.size),
                ("image", project.image),
                ("variables", ", ".join(project.environment_keys)),
                ("browser", "agents may look at the app" if project.has_browser else None),
                ("setup session", project.setup_session),
                ("spent", spent_of(project)),
                ("snapshot", state_of(project)),
                ("", _built(snapshot) if snapshot else None),
                ("failure", snapshot.failure if snapshot else None),
                ("stale", _stale(project, snapshot) if snapshot else None),
                ("disk", _disk(snapshot) if snapshot else None),
            ]
        )
    )
    if project.retry_needed and project.snapshot is not None:
        out.print(
            "The commands were changed since this snapshot: sessions keep its own until it is built anew. "
            f"Next step: `lot project retry {project.name}`"
        )
    elif project.ready_snapshot:
        out.print(f"Next step: `lot session new {project.name} -m '…'`")


def _stale(project: ProjectBody, snapshot: SnapshotBody) -> str | None:
    if not snapshot.stale_files:
        return None
    step = "it is rebuilt by itself" if project.rebuilds_when_stale else f"`lot project retry {project.name}`"
    return f"{', '.join(snapshot.stale_files)} changed since: {step}"


def _disk(snapshot: SnapshotBody) -> str | None:
    if not snapshot.layer_bytes:
        return None
    memory = f", memory {snapshot.memory_bytes >> 20} MiB" if snapshot.memory_bytes else ""
    return f"{snapshot.layer_bytes >> 20} MiB{memory}: once, whatever the number of sessions"


def _built(snapshot: SnapshotBody) -> str | None:
    if snapshot.build_s is None:
        return snapshot.step
    start = "with memory: sessions start warm" if snapshot.has_memory else "disk only: sessions start cold"
    return f"generation {snapshot.generation}, built in {snapshot.build_s:.1f} s, {start}"
