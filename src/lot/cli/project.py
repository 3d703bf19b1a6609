"""`lot project`: repositories and the snapshots that sessions start from."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import anyio
import typer
from rich.text import Text

from lot.api.schemas.projects import NewProject, ProjectBody, ProjectChanges, SnapshotBody
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.env_file import read_env_file
from lot.cli.output import ago, coloured, err, facts, out, plain, print_json, table
from lot.cli.processes import changed_beside, dev_and_beside
from lot.cli.project_detect import print_proposal
from lot.cli.project_env import app as env_app
from lot.cli.project_snapshot import ProjectArgument, doctor, rebuild, setup
from lot.cli.session_show import spent_of
from lot.cli.settings import NoneFlag, TokensOption, UsdOption, budget_changes
from lot.client.client import LotClient
from lot.core.errors import InvalidInputError, SetupCommandError
from lot.core.image_source import FORMS
from lot.engine.detecting import detect_source

POLL_S = 0.3

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Repositories and the snapshots that sessions start from."
)

app.command()(doctor)
app.command()(rebuild)
app.command()(setup)
app.add_typer(env_app, name="env")

NoWaitFlag = Annotated[bool, typer.Option("--no-wait", help="Return at once; the snapshot is built on the server.")]


@app.command()
def create(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="Git URL, a path on the server's machine, or with --account OWNER/NAME.", show_default=False
        ),
    ],
    account: Annotated[str | None, typer.Option(help="A git account: `lot account list`.")] = None,
    name: Annotated[str | None, typer.Option(help="By default the repository's.")] = None,
    branch: Annotated[str | None, typer.Option(help="By default the repository's own.")] = None,
    setup: Annotated[
        str | None, typer.Option(help="Run once, before the snapshot is taken: `npm ci`; '': nothing.")
    ] = None,
    dev: Annotated[str | None, typer.Option(help="Starts the dev server: `npm run dev`.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port of the dev server.")] = None,
    size: Annotated[str, typer.Option(help="One that `lot sizes` lists.")] = "small",
    env_file: Annotated[
        Path | None, typer.Option(help="A .env file; its values are stored encrypted and written to .env.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Agents may look at the app in a browser.")
    ] = False,
    image: Annotated[str | None, typer.Option(help=f"What sandboxes are made of, by default Debian: {FORMS}.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(min=1, help="For all its sessions together.")] = None,
    budget_usd: Annotated[float | None, typer.Option(help="For all its sessions together, in US dollars.")] = None,
    process: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COMMAND", help="Runs beside the dev server: `worker='npm run worker'`; repeatable."),
    ] = None,
    procfile: Annotated[
        Path | None, typer.Option(help="A Procfile: `web` is the dev server unless --dev is, the others run beside it.")
    ] = None,
    setup_session: Annotated[
        bool, typer.Option("--setup-session/--no-setup-session", help="Start a session that follows the setup.")
    ] = True,
    no_wait: NoWaitFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Create a project and build its snapshot; shows the build until it is ready or has failed.

    A setup session is told of it, can be written to meanwhile, and comes up when the snapshot is ready.

    Without --setup, --dev and --port all three are told from the repository's files (`lot project detect`).
    """
    shared = common(ctx, as_json=as_json)
    dev, beside = dev_and_beside(dev, process or (), procfile)
    wanted = checked(
        NewProject,
        source=source if account else source_of(source),
        account=account,
        name=name,
        branch=branch,
        setup_command=setup,
        dev_command=dev,
        port=port,
        size=size,
        environment=read_env_file(env_file) if env_file else {},
        has_browser=browser,
        image=image,
        budget_tokens=budget_tokens,
        budget_usd=budget_usd,
        processes=beside,
        has_setup_session=setup_session,
    )
    with connect(ctx) as client:
        project = client.create_project(wanted)
        _finish(client, project, is_waited_for=not no_wait, as_json=shared.as_json)


@app.command()
def detect(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="Git URL, or a path on this machine.", show_default=False)],
    branch: Annotated[str | None, typer.Option(help="By default the repository's own.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show how a repository would be set up and started; needs no server and changes nothing."""
    proposal = anyio.run(detect_source, source_of(source), branch)
    if common(ctx, as_json=as_json).as_json:
        print_json(proposal)
    else:
        print_proposal(proposal)


@app.command("list")
def list_projects(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """List the projects."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        projects = client.list_projects()
    if shared.as_json:
        return print_json(projects)
    if not projects:
        return out.print("No projects yet. Next step: `lot project create <git URL or path>`")
    grid = table("NAME", "SNAPSHOT", "SESSIONS", "BRANCH", "SOURCE", "CREATED")
    for project in projects:
        grid.add_row(
            project.name,
            _state(project),
            str(project.sessions),
            project.branch,
            project.source,
            ago(project.created_at),
        )
    return out.print(grid)


@app.command()
def show(ctx: typer.Context, project: ProjectArgument, as_json: JsonFlag = False) -> None:
    """Show a project."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = client.get_project(project)
    if shared.as_json:
        print_json(found)
    else:
        _print_project(found)


@app.command("set")
def set_project(
    ctx: typer.Context,
    project: ProjectArgument,
    setup: Annotated[str | None, typer.Option(help="Setup command; empty: none.")] = None,
    dev: Annotated[str | None, typer.Option(help="Dev command; empty: none.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port of the dev server; 0: found out.")] = None,
    branch: Annotated[str | None, typer.Option(help="What new sessions start from.")] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    process: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COMMAND", help="Runs beside the dev server; `NAME=` takes it away; repeatable."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Edit a project's commands, port, branch or name by hand. Sessions that are there keep theirs."""
    given = {"setup_command": setup, "dev_command": dev, "port": port, "branch": branch, "name": name}
    # Nothing at all means that none is wanted; an option that is not there, that it stays.
    changes: dict[str, object] = {key: value or None for key, value in given.items() if value is not None}
    if process:
        with connect(ctx) as client:
            changes["processes"] = changed_beside(client.get_project(project).processes, process)
    if not changes:
        raise InvalidInputError("What is to be changed? Next step: --setup, --dev, --port, --process, --branch, --name")
    changed = _change(ctx, project, changes, as_json=as_json)
    if changed is not None:
        _print_project(changed)


@app.command()
def size(
    ctx: typer.Context,
    project: ProjectArgument,
    size: Annotated[str, typer.Argument(help="One that `lot sizes` lists.", show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Give sessions that are started from now on another size; the others keep theirs."""
    changed = _change(ctx, project, {"size": size}, as_json=as_json)
    if changed is not None:
        out.print(
            f"Project {plain(changed.name)}: new sessions are {plain(changed.size)}. They start from disk until the "
            f"snapshot is of that size, too. Next step: `lot project retry {plain(changed.name)}`"
        )


@app.command()
def budget(
    ctx: typer.Context,
    project: ProjectArgument,
    tokens: TokensOption = None,
    usd: UsdOption = None,
    none: NoneFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Limit what all sessions of a project together may use of models; at the limit they are paused."""
    changed = _change(ctx, project, budget_changes(tokens, usd, is_none=none), as_json=as_json)
    if changed is not None:
        out.print(f"Project {plain(changed.name)} has used {spent_of(changed) or 'nothing'}")


@app.command()
def browser(
    ctx: typer.Context,
    project: ProjectArgument,
    state: Annotated[Literal["on", "off"], typer.Argument(show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Let a project's agents look at the app in a browser, or not."""
    changed = _change(ctx, project, {"has_browser": state == "on"}, as_json=as_json)
    if changed is not None:
        out.print(f"Project {plain(changed.name)}: browser verification is {'on' if changed.has_browser else 'off'}")


@app.command()
def image(
    ctx: typer.Context,
    project: ProjectArgument,
    wanted: Annotated[str, typer.Argument(metavar="IMAGE", help=f"{FORMS}, or default.", show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Change what a project's sandboxes are made of, from its next snapshot on."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        changed = client.change_project(project, checked(ProjectChanges, image=None if wanted == "default" else wanted))
    if shared.as_json:
        print_json(changed)
    else:
        out.print(f"Project {plain(changed.name)}: image {plain(changed.image or 'default')}")
        out.print(f"Next step: `lot project retry {changed.name}` builds a snapshot of it")


@app.command()
def delete(
    ctx: typer.Context,
    project: ProjectArgument,
    cascade: Annotated[bool, typer.Option("--cascade", help="Delete its sessions, too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete a project and its snapshots for good; the repository it was made from stays as it is."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        client.delete_project(project, cascade=cascade)
    if shared.as_json:
        print_json({"deleted": project})
    else:
        out.print(f"Deleted {plain(project)}")


@app.command()
def retry(ctx: typer.Context, project: ProjectArgument, no_wait: NoWaitFlag = False, as_json: JsonFlag = False) -> None:
    """Build a project's snapshot anew; the last good one serves until the new one has been proved."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        client.redo_setup(project)
        _finish(client, client.get_project(project), is_waited_for=not no_wait, as_json=shared.as_json)


@app.command()
def log(ctx: typer.Context, project: ProjectArgument, as_json: JsonFlag = False) -> None:
    """Show the log of a project's newest snapshot build."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        snapshot = client.get_project(project).snapshot
        text = client.get_snapshot_log(snapshot.id).text if snapshot else ""
    if shared.as_json:
        print_json({"text": text})
    else:
        out.print(coloured(text))


def _change(ctx: typer.Context, project: str, changes: Mapping[str, object], *, as_json: bool) -> ProjectBody | None:
    """Change a project; return it where it is to be shown to a person."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(ProjectChanges, **changes)
    with connect(ctx) as client:
        changed = client.change_project(project, wanted)
    if shared.as_json:
        print_json(changed)
        return None
    return changed


def source_of(text: str) -> str:
    """Return a Git URL as it is, and a path of this machine made absolute."""
    path = Path(text).expanduser()
    is_path = text.startswith((".", "/", "~")) or path.is_dir()
    return str(path.resolve()) if is_path else text


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


def _finish(client: LotClient, project: ProjectBody, *, is_waited_for: bool, as_json: bool) -> None:
    if is_waited_for:
        try:
            project = wait_for_snapshot(client, project, is_shown=not as_json)
        except KeyboardInterrupt:
            err.print(f"\nThe build goes on at the server: `lot project show {project.name}`")
            raise
    if as_json:
        print_json(project)
    elif project.snapshot is None or project.snapshot.state != "failed":
        _print_project(project)
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


def _state(project: ProjectBody) -> Text:
    if project.snapshot is None:
        return Text("none", style="dim")
    if project.snapshot.state == "ready" and project.snapshot.stale_files:
        return Text("ready, stale", style="yellow")
    style = {"ready": "green", "failed": "red"}.get(project.snapshot.state, "yellow")
    note = " (an older one serves)" if project.snapshot.state != "ready" and project.ready_snapshot else ""
    return Text(project.snapshot.state + note, style=style)


def _print_project(project: ProjectBody) -> None:
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
                ("snapshot", _state(project)),
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
