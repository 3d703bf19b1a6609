"""Setup sessions: a build proves what is known, or an agent finds out how a project is set up and builds prove that.

A setup session is a session like any other. While it is bare, what is installed in it for trying is in no snapshot.
"""

from collections.abc import Sequence
from uuid import uuid4

from lot.core.errors import CallerError, InvalidInputError, ProjectNotReadyError
from lot.core.ids import MessageId, SessionId
from lot.core.records import Project, Session, SetupCommands, Snapshot, SnapshotState
from lot.engine.building import Builds
from lot.engine.creating import Draft, SessionOptions, create_session_on
from lot.engine.defaults import read_defaults
from lot.engine.parts import Parts
from lot.engine.setup_story import LOG_CHARS

_DEBIAN = "Debian trixie with git, Python 3, Node.js, npm, curl and sudo"
ANSWER_WAIT_S = 45.0
"""An agent's calls are answered within a minute."""

_TASK = """\
Set this repository up, so that later sessions can start from a snapshot of it with its app running.

1. Look at the repository: which runtime, packages and services (databases, caches) does it need, and how is its app \
started for development?
2. Try it here: install what is missing, start the app, and see that it answers over HTTP on localhost.
3. Call `mcp__lot__propose_setup` with the setup command, the dev command and the port. Lot runs them once on a fresh \
checkout in a clean sandbox like this one ({image}), waits until \
the app answers, and freezes that. So the setup command must install everything that you installed, and the dev \
command must start the services before the app. When it fails you get the log: mend the commands and propose again.

If something is missing that only the user has, such as a variable's value, ask for it."""


class SetupSessions:
    """Starts setup sessions, and carries their agents' proposals out."""

    def __init__(self, parts: Parts, builds: Builds) -> None:
        self._parts, self._builds = parts, builds

    async def follow_build(self, project: Project, log: str) -> tuple[Session, Snapshot]:
        """Record a build by the project's own commands, and a setup session that is told of it.

        Both are the caller's to start. The session comes up when the build is over, or when it is written to.
        """
        snapshot = await self._builds.record(project, log=log)
        options = SessionOptions(title=f"Set up {project.name}")
        session = await create_session_on(
            self._parts, project, snapshot, options, None, is_setup=True, is_bare_at_once=False
        )
        return session, snapshot

    async def begin(
        self, project: Project, options: SessionOptions, guidance: str | None, seen: Sequence[str] = ()
    ) -> Session:
        """Store a setup session with its task for an agent; the worker of it is the caller's to start.

        Args:
            guidance: What the user wants the agent to know.
            seen: What the repository's files say, a sentence each.

        Raises:
            ProjectNotReadyError: the provider of models cannot be used.
            InvalidInputError: there is no such provider, or the program has none of Lot's tools.
        """
        if options.program != "claude":
            raise InvalidInputError("a setup session needs Lot's own tools, which only `claude` is offered")
        provider = self._parts.get_provider(options.provider or (await read_defaults(self._parts)).model.provider)
        if (why := provider.readiness()) is not None:
            raise ProjectNotReadyError(f"no agent can set {project.name} up: {why}")
        task = await self._task(project, guidance, seen)
        snapshot = await self._builds.prepare(project)
        draft = Draft(id=MessageId(str(uuid4())), text=task)
        session = await create_session_on(self._parts, project, snapshot, options, draft, is_setup=True)
        if not snapshot.base_image:
            self._builds.launch(snapshot)
        return session

    async def propose(self, session_id: SessionId, commands: SetupCommands) -> str:
        """Build the project's snapshot by these commands, or wait on for that build; return what to tell the agent.

        Raises:
            CallerError: it is no setup session, or there is nothing to be run.
        """
        session = await self._parts.store.get_session(session_id)
        if not session.is_setup:
            raise CallerError("only the agent of a setup session proposes how its project is set up")
        if commands.setup_command is None and commands.dev_command is None:
            raise InvalidInputError("propose a setup command, a dev command, or both")
        project = await self._parts.store.get_project(session.project_id)
        newest = (await self._parts.store.list_snapshots(project.id))[0]
        if newest.state is SnapshotState.PREPARING or not _is_by(newest, commands):
            newest = await self._builds.begin(project, commands)
        newest = await self._builds.wait(newest.id, ANSWER_WAIT_S)
        return await self._told(project, newest, commands)

    async def _told(self, project: Project, snapshot: Snapshot, commands: SetupCommands) -> str:
        if snapshot.state is SnapshotState.BUILDING:
            step = self._builds.step(snapshot.id) or "it begins"
            return (
                f"The build is under way: {step}. Call propose_setup again with the same arguments to wait on.\n"
                f"Its log ends:\n{snapshot.log[-LOG_CHARS // 4 :]}"
            )
        if snapshot.state is SnapshotState.FAILED:
            return f"The build failed: {snapshot.failure}\nIts log ends:\n{snapshot.log[-LOG_CHARS:]}"
        await self._parts.store.change_project(
            project.id,
            setup_command=commands.setup_command,
            dev_command=commands.dev_command,
            port=snapshot.port,
        )
        kind = "disk and memory" if snapshot.memory_image is not None else "disk"
        seen = "" if snapshot.port is None else f" Its app answered on port {snapshot.port}."
        return f"The snapshot is ready ({kind}), and new sessions start from it.{seen}"

    async def _task(self, project: Project, guidance: str | None, seen: Sequence[str]) -> str:
        names = sorted((await self._parts.store.get_environment(project.id)).variables)
        variables = f"\n\nVariables that the user has set, written to `.env`: {', '.join(names)}." if names else ""
        files = "".join(f"\n- {sentence}" for sentence in seen)
        files = f"\n\nWhat its files say:{files}" if files else ""
        image = f"the image {project.image}" if project.image is not None else _DEBIAN
        return "".join(
            (
                _TASK.format(image=image),
                variables,
                files,
                _known(project),
                f"\n\nThe user says: {guidance}" if guidance else "",
            )
        )


def _known(project: Project) -> str:
    """Return what the project has been told or has found out before, as a first proposal."""
    said = [
        f"- {name}: `{value}`"
        for name, value in (
            ("setup command", project.setup_command),
            ("dev command", project.dev_command),
            ("port", project.port),
        )
        if value is not None
    ]
    return "\n\nA first proposal, which may be wrong:\n" + "\n".join(said) if said else ""


def _is_by(snapshot: Snapshot, commands: SetupCommands) -> bool:
    """Return whether a snapshot is built by these commands; a port that was not named is found by the build."""
    same = (snapshot.setup_command, snapshot.dev_command) == (commands.setup_command, commands.dev_command)
    return same and commands.port in (None, snapshot.port)
