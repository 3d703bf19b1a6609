"""`lot project`: repositories and the snapshots that sessions start from."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

from lot.api.schemas.projects import NewProject
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.env_file import read_env_file
from lot.cli.output import ago, coloured, out, plain, print_json, table
from lot.cli.processes import dev_and_beside
from lot.cli.project_change import browser, budget, image, set_project, size
from lot.cli.project_detect import print_proposal
from lot.cli.project_env import app as env_app
from lot.cli.project_show import print_project, state_of
from lot.cli.project_snapshot import ProjectArgument, doctor, rebuild, setup
from lot.cli.project_wait import finish
from lot.cli.source import source_of
from lot.core.image_source import FORMS
from lot.engine.detecting import detect_source

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Repositories and the snapshots that sessions start from."
)

app.command()(doctor)
app.command()(rebuild)
app.command()(setup)
app.command("set")(set_project)
for change in (size, budget, browser, image):
    app.command()(change)
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
    size: Annotated[
        str | None, typer.Option(help="One that `lot sizes` lists; by default the one of `lot settings`.")
    ] = None,
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
        finish(client, project, is_waited_for=not no_wait, as_json=shared.as_json)


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
            state_of(project),
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
        print_project(found)


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
        finish(client, client.get_project(project), is_waited_for=not no_wait, as_json=shared.as_json)


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
