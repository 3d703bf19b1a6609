"""Makes projects and sessions: their rows, names and branches. What then happens is the workers' and builds' affair."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lot.broker.source_heads import SourceBranches
from lot.core.credentials import GitCredential
from lot.core.defaults import NO_EFFORT
from lot.core.environment import check_environment
from lot.core.errors import InvalidInputError, LotError, ProjectNotReadyError
from lot.core.events import AttachmentName, SessionEvent, SettingsChanged, StateChanged
from lot.core.ids import AccountId, LayerId, MessageId, ProjectId, SandboxId, SessionId, new_id
from lot.core.image_source import read_image_source
from lot.core.records import AgentMode, Attachment, Delivery, Lease, Message, Project, Session, Snapshot
from lot.core.session import AgentState, SandboxState, label
from lot.detection.proposal import SetupProposal
from lot.engine.budgets import require_project_budget
from lot.engine.defaults import read_defaults
from lot.engine.detecting import detect_commit
from lot.engine.models import require_model
from lot.engine.parts import Parts

_DETECTED = ("setup_command", "dev_command", "port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message as its sender gives it."""

    id: MessageId
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What a session may be started with; None: as its project or the defaults have it."""

    title: str | None = None
    size: str | None = None
    provider: str | None = None
    model: str | None = None
    effort: str | None = None
    """`NO_EFFORT`: as the model does by itself."""
    mode: AgentMode | None = None
    """None in a setup session: full, since its agent has to try things out."""
    program: str = "claude"
    budget_tokens: int | None = None
    budget_usd: float | None = None


async def create_project(
    parts: Parts,
    *,
    source: str,
    name: str | None,
    branch: str | None,
    environment: Mapping[str, str],
    account: str | None = None,
    **settings: Any,
) -> tuple[Project, SetupProposal | None]:
    """Mirror a repository and store the project; return it, and what was detected where nobody gave a command.

    Args:
        source: A git URL or a path; with an account, a repository that it was granted.
        account: Name or id of a git account.
        settings: The project's other fields. Commands and port are detected when all three are None; an empty
            command means that there is none. Without a size it gets the default one.

    Raises:
        RepositoryError: unreachable, not granted, empty, or without that branch.
        InvalidInputError: a bad name, size, image or variable. TooLargeError: too many variables, or too long ones.
        NotFoundError: there is no such account.
    """
    settings["size"] = settings.get("size") or (await read_defaults(parts)).size
    parts.settings.get_size(settings["size"])
    check_environment(environment)
    if settings.get("image") is not None:
        settings["image"] = str(read_image_source(settings["image"]))
    project_id = ProjectId(new_id())
    name = name or _name_of(source)
    if any(project.name == name for project in await parts.store.list_projects()):
        raise InvalidInputError(f"a project named {name} exists already; give another with --name")
    source, account_id, credential = await _resolved(parts, source, account)
    head = await parts.mirrors.create(project_id, source, branch, credential=credential)
    proposal: SetupProposal | None = None
    try:
        if all(settings[name] is None for name in _DETECTED):
            proposal = await detect_commit(parts.mirrors, project_id, head.commit)
            settings |= {name: getattr(proposal, name) for name in _DETECTED}
            if not settings.get("processes"):
                settings["processes"] = {process.name: process.command for process in proposal.processes}
        project = Project(
            id=project_id,
            name=name,
            source=source,
            branch=head.branch,
            created_at=parts.now(),
            account_id=account_id,
            **settings,
        )
        await parts.store.add_project(project, environment)
    except LotError:
        await parts.mirrors.delete(project_id)
        raise
    return project, proposal


async def list_branches(parts: Parts, source: str, account: str | None) -> SourceBranches:
    """Return the branches that a project of a repository can have; source and account as for `create_project`.

    Raises:
        RepositoryError: unreachable, not granted, or empty. NotFoundError: there is no such account.
    """
    source, _, credential = await _resolved(parts, source, account)
    return await parts.mirrors.list_branches(source, credential)


async def _resolved(
    parts: Parts, source: str, account: str | None
) -> tuple[str, AccountId | None, GitCredential | None]:
    """Return where a repository is, with what it is asked for, and by which account."""
    if account is None:
        return source, None, None
    chosen = await parts.store.get_git_account(account)
    host = await parts.hosts.get_host(chosen)
    return (await host.get_repository(source)).clone_url, chosen.id, await host.credential()


async def create_session(parts: Parts, project: Project, options: SessionOptions, draft: Draft | None) -> Session:
    """Store a session that starts from the project's newest ready snapshot, with its first message.

    Raises:
        ProjectNotReadyError: there is no snapshot yet. InvalidInputError: there is no such provider, model or size.
        BudgetReachedError: the project's budget is used up, and there is a message.
    """
    snapshot = await parts.store.current_snapshot(project.id)
    if snapshot is None:
        raise ProjectNotReadyError(
            f"project {project.name} has no snapshot yet; wait for its setup, or retry it if it failed"
        )
    return await create_session_on(parts, project, snapshot, options, draft)


async def create_session_on(
    parts: Parts,
    project: Project,
    snapshot: Snapshot,
    options: SessionOptions,
    draft: Draft | None,
    *,
    is_setup: bool = False,
    is_bare_at_once: bool = True,
) -> Session:
    """Store a session that starts from one snapshot, with its first message. Raises as above.

    Args:
        is_setup: It belongs to the setup of the project, and starts from the bare image.
        is_bare_at_once: False: it waits until it is written to, or the snapshot is ready.
    """
    size_name = options.size or project.size
    size = parts.settings.get_size(size_name)
    defaults = await read_defaults(parts)
    provider_name = options.provider or defaults.model.provider
    provider = parts.get_provider(provider_name)
    if options.model is not None:
        await require_model(provider, options.model)
    effort = options.effort or defaults.effort
    is_same_size = (snapshot.cpus, snapshot.memory_bytes) == (size.cpus, size.memory_bytes)
    session_id = SessionId(new_id())
    if draft is not None:
        await require_project_budget(parts, project, session_id)
    now = parts.now()
    title = options.title or (title_of(draft.text) if draft else "New session")
    session = Session(
        id=session_id,
        project_id=project.id,
        snapshot_id=snapshot.id,
        parent_id=None,
        title=title,
        agent=AgentState.IDLE,
        sandbox_state=SandboxState.BOOTING if is_bare_at_once and snapshot.base_image else SandboxState.ABSENT,
        reason="the project is being set up" if is_setup else None,
        version=1,
        lease=Lease(),
        sandbox=SandboxId(session_id),
        size=size_name,
        cpus=size.cpus,
        memory_bytes=size.memory_bytes,
        compute_units=size.compute_units,
        provider=provider_name,
        model=options.model or defaults.model_of(provider_name) or provider.models[0],
        base_image=snapshot.base_image,
        layers=() if is_setup else (snapshot.layer,),
        upper=LayerId(new_id()),
        # Memory that was frozen in a sandbox of another size would bring that size along.
        memory_image=snapshot.memory_image if is_same_size else None,
        candidate_image=None,
        candidate_epoch=None,
        base_branch=project.branch,
        base_commit=None,
        branch=branch_of(title, session_id),
        agent_session=None,
        agent_run=0,
        agent_offset=0,
        pause_at=None,
        pause_reason=None,
        is_used=False,
        events=0,
        created_at=now,
        changed_at=now,
        last_activity_at=now,
        program=options.program,
        effort=None if effort == NO_EFFORT else effort,
        mode=options.mode or (AgentMode.FULL if is_setup else defaults.mode),
        budget_tokens=options.budget_tokens,
        budget_usd=options.budget_usd,
        is_setup=is_setup,
    )
    await parts.store.add_session(session, [state_of(session), *_mode_of(session)])
    if draft is not None:
        await parts.store.add_message(message_from(parts, session_id, draft), now, draft.attachments)
    return session


def message_from(parts: Parts, session_id: SessionId, draft: Draft) -> Message:
    """Return a draft as a message that is kept."""
    names = tuple(
        AttachmentName(name=file.name, media_type=file.media_type, size_bytes=len(file.data))
        for file in draft.attachments
    )
    return Message(
        id=draft.id,
        session_id=session_id,
        text=draft.text,
        delivery=Delivery.KEPT,
        created_at=parts.now(),
        attachments=names,
    )


def state_of(session: Session) -> SessionEvent:
    """Return the event that tells a new session's state."""
    return StateChanged(
        at=session.created_at,
        agent=session.agent,
        sandbox=session.sandbox_state,
        label=label(session.agent, session.sandbox_state),
        reason=session.reason,
    )


def _mode_of(session: Session) -> list[SessionEvent]:
    """Return what tells of the mode that a session starts in, where that is not the usual one."""
    if session.mode is AgentMode.FULL:
        return []
    return [SettingsChanged(at=session.created_at, mode=session.mode)]


def title_of(text: str) -> str:
    """Return a session's title from its first message."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "New session")
    return first if len(first) <= 60 else first[:59].rstrip() + "…"


def branch_of(title: str, session_id: SessionId) -> str:
    """Return a session's branch, `lot/<slug>-<id>`: fixed when the session starts."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-")
    return f"lot/{slug or 'session'}-{session_id}"


def _name_of(source: str) -> str:
    """Return a project's name from its repository: the last path element without `.git`."""
    name = re.sub(r"\.git/*$", "", source.rstrip("/")).replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "project"
