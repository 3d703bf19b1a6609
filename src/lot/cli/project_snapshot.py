"""`lot project doctor|rebuild|setup`: whether a project's snapshot serves, and how it comes to be."""

from typing import Annotated, Literal

import typer
from rich.text import Text

from lot.api.schemas.projects import FindingBody, NewSetupSession, ProjectChanges
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import err, out, plain, print_json, say_if_scripted
from lot.cli.settings import EffortOption

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.", show_default=False)]


def setup(
    ctx: typer.Context,
    project: ProjectArgument,
    guidance: Annotated[
        str | None, typer.Option("--message", "-m", help="What the agent should know, such as which app is meant.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="By default the server's.")] = None,
    model: Annotated[str | None, typer.Option(help="By default what `lot settings` shows.")] = None,
    effort: EffortOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Have an agent find out how a project is set up; the present snapshot serves until a new one is proved."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(NewSetupSession, guidance=guidance, provider=provider, model=model, effort=effort)
    with connect(ctx) as client:
        session = client.begin_setup(project, wanted)
    if shared.as_json:
        return print_json(session)
    say_if_scripted(session.provider, is_scripted=session.is_scripted)
    return out.print(f"Session {session.id} sets {plain(project)} up. Next step: `lot session watch {session.id}`")


def rebuild(
    ctx: typer.Context,
    project: ProjectArgument,
    state: Annotated[Literal["on", "off"], typer.Argument(show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Build a project's snapshot anew by itself when lock files or the like have changed, or not."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        changed = client.change_project(project, ProjectChanges(rebuilds_when_stale=state == "on"))
    if shared.as_json:
        print_json(changed)
    else:
        is_on = changed.rebuilds_when_stale
        out.print(f"Project {plain(changed.name)}: a stale snapshot is {'rebuilt' if is_on else 'kept until a retry'}")


def doctor(ctx: typer.Context, project: ProjectArgument, as_json: JsonFlag = False) -> None:
    """Examine a project's snapshot: its disk, its memory, and whether a session that starts from it answers."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client, err.status("Examining: starting a session", spinner_style="cyan") as status:
        if shared.as_json:
            status.stop()
        findings = client.examine_project(project)
    is_healthy = all(finding.is_ok for finding in findings)
    if shared.as_json:
        print_json({"ok": is_healthy, "findings": [finding.model_dump() for finding in findings]})
    else:
        _print_findings(findings)
    if not is_healthy:
        raise typer.Exit(1)


def _print_findings(findings: list[FindingBody]) -> None:
    for finding in findings:
        mark = Text("ok  ", style="green") if finding.is_ok else Text("FAIL", style="red")
        out.print(mark, f"{finding.name:<10}", plain(finding.seen))
        if finding.mend:
            out.print(" " * 15, "mend:", plain(finding.mend))
