"""Turns a session's diff into a pull request: commit, push to the mirror, then open or update it on the git host."""

from collections import defaultdict

import anyio

from lot.core.errors import LotError, NotFoundError, NothingToDoError, NotSupportedError
from lot.core.events import Notice, PullRequestChanged
from lot.core.ids import PullRequestId, SessionId, new_id
from lot.core.records import Project, PullRequest, Session
from lot.engine.authors import author_of, co_author_of
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.forge.forge import Check, Forge, ForgeCapability, ForgePullRequest, PullRequestRequest, ReviewComment
from lot.runner.client import RunnerClient
from lot.runner.protocol import PublishOrder


class PullRequests:
    """Opens, updates, merges and shows pull requests."""

    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts, self._moves = parts, moves
        self._publishing: defaultdict[SessionId, anyio.Lock] = defaultdict(anyio.Lock)

    async def publish(self, session: Session, client: RunnerClient, title: str | None, body: str | None) -> PullRequest:
        """Open the session's pull request, or update the one that is open; one call at a time.

        Raises:
            NothingToDoError: the session changed nothing, or nothing since the pull request was made.
            GitError: the push was refused, or the host does not answer; the work is kept, and the next call goes on.
        """
        async with self._publishing[session.id]:
            return await self._publish(await self._parts.store.get_session(session.id), client, title, body)

    def forget(self, session_id: SessionId) -> None:
        """Let go of what is held for a session that is deleted."""
        self._publishing.pop(session_id, None)

    async def _publish(
        self, session: Session, client: RunnerClient, title: str | None, body: str | None
    ) -> PullRequest:
        project = await self._parts.store.get_project(session.project_id)
        present = await self._refreshed(project, session)
        if present is not None and present.state.is_over:
            session = await self._new_branch(session, present)
            present = None
        author = await author_of(self._parts, project)
        title = title or (present.title if present else session.title)
        published = await client.publish(
            PublishOrder(
                base_commit=session.base_commit or "",
                branch=session.branch,
                title=title,
                author_name=author.name,
                author_email=author.email,
                co_author=co_author_of(session),
            )
        )
        if present is None:
            return await self._open(project, session, title, body or await self._body(session), published.commit)
        if present.head_commit == published.commit:
            raise NothingToDoError(f"pull request {present.number} has everything already; nothing changed since")
        updated = await self._update(project, present, published.commit)
        if not updated.state.is_over:
            return updated
        # Merged or closed since it was read above: these commits are in no pull request yet.
        return await self._publish(session, client, title, body)

    async def find_of(self, session: Session) -> PullRequest | None:
        """Return the session's newest pull request with its present state on the git host."""
        project = await self._parts.store.get_project(session.project_id)
        return await self._refreshed(project, session)

    async def merge(self, project: Project, pull_request: PullRequest) -> PullRequest:
        """Merge a pull request into its base branch.

        Raises:
            NothingToDoError: it is not open. GitError: it conflicts, or the host refuses; nothing was changed.
        """
        if pull_request.state.is_over:
            raise NothingToDoError(f"pull request {pull_request.number} is {pull_request.state} already")
        forge = await self._able(project, ForgeCapability.MERGE, f"merged by Lot; its address is {pull_request.url}")
        merged = await forge.merge(pull_request)
        return await self._record(pull_request, merged, "merged")

    async def can_merge(self, project: Project) -> bool:
        """Return whether Lot itself can merge a project's pull requests; not where its account cannot be used now."""
        try:
            return ForgeCapability.MERGE in (await self._parts.forge_of(project)).capabilities
        except LotError:
            return False

    async def patch(self, project: Project, pull_request: PullRequest) -> str:
        """Return a pull request's change as a patch."""
        return await (await self._parts.forge_of(project)).patch(pull_request)

    async def list_checks(self, project: Project, pull_request: PullRequest) -> list[Check]:
        """Return what programs say of a pull request.

        Raises:
            NotSupportedError: its host has no checks, or tells Lot of none. GitError: the host does not answer.
        """
        forge = await self._able(project, ForgeCapability.CHECKS, "asked for checks")
        return await forge.list_checks(pull_request)

    async def list_review_comments(self, project: Project, pull_request: PullRequest) -> list[ReviewComment]:
        """Return what reviewers say of a pull request.

        Raises:
            NotSupportedError: its host has no comments, or tells Lot of none. GitError: the host does not answer.
        """
        forge = await self._able(project, ForgeCapability.REVIEW_COMMENTS, "asked for review comments")
        return await forge.list_review_comments(pull_request)

    async def refresh(self, project: Project, pull_request: PullRequest) -> PullRequest:
        """Return a pull request with its present state on the git host.

        Raises:
            GitError: the host does not answer.
        """
        seen = await (await self._parts.forge_of(project)).read_pull_request(pull_request)
        if (seen.state, seen.head_commit) == (pull_request.state, pull_request.head_commit):
            return pull_request
        changed = await self._parts.store.change_pull_request(
            pull_request.id, state=seen.state, head_commit=seen.head_commit, updated_at=self._parts.now()
        )
        if changed.session_id is not None:
            self._parts.bus.overview.session(changed.session_id)
        return changed

    async def _able(self, project: Project, capability: ForgeCapability, what: str) -> Forge:
        forge = await self._parts.forge_of(project)
        if capability not in forge.capabilities:
            raise NotSupportedError(f"the pull requests of project {project.name} cannot be {what}")
        return forge

    async def _refreshed(self, project: Project, session: Session) -> PullRequest | None:
        present = await self._parts.store.newest_pull_request_of(session.id)
        if present is None:
            return None
        return await self.refresh(project, present)

    async def _new_branch(self, session: Session, old: PullRequest) -> Session:
        """Go on under a new branch, because the old pull request was merged or closed; said plainly, and once."""
        if session.branch != old.branch:
            return session  # Its pull request could not be opened then.
        stem, _, count = session.branch.partition("--")
        branch = f"{stem}--{int(count or 1) + 1}"
        notice = Notice(
            at=self._parts.now(),
            text=f"pull request {old.number} is {old.state}: a new one is opened from the new branch {branch}",
        )
        changed = await self._moves.apply(session.id, reason=session.reason, events=[notice], branch=branch)
        return changed or session

    async def _open(self, project: Project, session: Session, title: str, body: str, commit: str) -> PullRequest:
        forge = await self._parts.forge_of(project)
        opened = await forge.open_pull_request(
            PullRequestRequest(
                title=title, body=body, base_branch=session.base_branch, branch=session.branch, head_commit=commit
            )
        )
        if opened.number and (known := await self._find(project, opened.number)):
            # The host had one open for this branch, which somebody else has recorded meanwhile.
            return await self._record(known, opened, "updated")
        now = self._parts.now()
        pull_request = await self._parts.store.add_pull_request(
            PullRequest(
                id=PullRequestId(new_id()),
                project_id=project.id,
                session_id=session.id,
                number=opened.number,
                title=title,
                body=body,
                base_branch=session.base_branch,
                branch=session.branch,
                head_commit=opened.head_commit,
                state=opened.state,
                url=opened.url,
                created_at=now,
                updated_at=now,
            )
        )
        if not opened.url:
            address = f"/projects/{project.id}/pull-requests/{pull_request.number}"
            pull_request = await self._parts.store.change_pull_request(pull_request.id, url=address)
        await self._tell(pull_request, "opened")
        return pull_request

    async def _find(self, project: Project, number: int) -> PullRequest | None:
        try:
            return await self._parts.store.get_pull_request(project.id, number)
        except NotFoundError:
            return None

    async def _update(self, project: Project, present: PullRequest, commit: str) -> PullRequest:
        forge = await self._parts.forge_of(project)
        updated = await forge.update_pull_request(present, commit)
        return await self._record(present, updated, "updated")

    async def _record(self, present: PullRequest, seen: ForgePullRequest, action: str) -> PullRequest:
        changed = await self._parts.store.change_pull_request(
            present.id, head_commit=seen.head_commit, state=seen.state, updated_at=self._parts.now()
        )
        await self._tell(changed, action)
        return changed

    async def _tell(self, pull_request: PullRequest, action: str) -> None:
        if pull_request.session_id is None:
            return
        await self._moves.tell(
            pull_request.session_id,
            PullRequestChanged.model_validate(
                {
                    "at": self._parts.now(),
                    "number": pull_request.number,
                    "action": action,
                    "branch": pull_request.branch,
                    "url": pull_request.url,
                    "commit": pull_request.head_commit,
                }
            ),
        )

    async def _body(self, session: Session) -> str:
        """Return a text made from what the user asked for."""
        asked: list[str] = []
        after = 0
        while page := await self._parts.store.read_events(session.id, after=after):
            asked += [stored.event.text for stored in page if stored.event.kind == "message_added"]
            after = page[-1].number
        lines = [f"- {text.strip().splitlines()[0][:200]}" for text in asked if text.strip()]
        return "\n".join(["Asked for:", *lines]) if lines else "Made in a Lot session."
