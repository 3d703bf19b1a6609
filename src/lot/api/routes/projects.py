"""Projects, their snapshots and their pull requests."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from lot.api.schemas.projects import (
    BranchesBody,
    CheckBody,
    FindingBody,
    NewProject,
    NewSetupSession,
    ProjectBody,
    ProjectChanges,
    PullRequestBody,
    RepositoryQuery,
    ReviewCommentBody,
    SizeBody,
    SnapshotBody,
    SnapshotLog,
)
from lot.api.schemas.sessions import SessionBody
from lot.api.views import Views
from lot.core.environment import parse_dotenv
from lot.core.ids import SnapshotId
from lot.core.records import AgentMode
from lot.engine.creating import SessionOptions
from lot.engine.creating import list_branches as list_branches_of
from lot.engine.engine import Engine


def project_routes(engine: Engine, views: Views) -> APIRouter:
    """Return the routes under `/api/projects` and `/api/snapshots`."""
    router = APIRouter(prefix="/api", tags=["projects"])
    store = engine.parts.store

    @router.post("/projects", status_code=201)
    async def create_project(new: NewProject) -> ProjectBody:
        """Mirror a repository and start building its snapshot.

        422: out of reach, empty, no such branch, or a wrong line among the variables.
        """
        wanted = new.model_dump(exclude={"environment_text"})
        pasted = parse_dotenv(new.environment_text) if new.environment_text is not None else {}
        project = await engine.create_project(**wanted | {"environment": {**pasted, **new.environment}})
        return await views.project(project)

    @router.post("/repositories/branches")
    async def list_branches(query: RepositoryQuery) -> BranchesBody:
        """Return a repository's branches, before a project of it is made. 422: out of reach, not granted, or empty."""
        found = await list_branches_of(engine.parts, query.source, query.account)
        return BranchesBody(default=found.default, names=list(found.names))

    @router.get("/projects")
    async def list_projects() -> list[ProjectBody]:
        """Return all projects."""
        return [await views.project(project) for project in await store.list_projects()]

    @router.get("/projects/{project}")
    async def show_project(project: str) -> ProjectBody:
        """Return one project, by id or name. 404: there is none."""
        return await views.project(await store.get_project(project))

    @router.patch("/projects/{project}")
    async def change_project(project: str, changes: ProjectChanges) -> ProjectBody:
        """Change what is given; snapshots and sessions that are there keep what they have.

        `retry_needed` in the answer: the commands count once the setup is redone (`POST .../snapshots`).
        """
        found = await store.get_project(project)
        return await views.project(await engine.change_project(found.id, changes.model_dump(exclude_unset=True)))

    @router.delete("/projects/{project}", status_code=204)
    async def delete_project(project: str, cascade: bool = False) -> None:
        """Delete a project, its snapshots and mirror. 409: it has sessions, and `cascade` was not asked for."""
        await engine.delete_project((await store.get_project(project)).id, cascade=cascade)

    @router.post("/projects/{project}/snapshots", status_code=201)
    async def redo_setup(project: str) -> SnapshotBody:
        """Build a new snapshot from a clean base; the last good one serves until it is ready."""
        return views.snapshot(await engine.redo_setup((await store.get_project(project)).id))

    @router.post("/projects/{project}/examination")
    async def examine_project(project: str) -> list[FindingBody]:
        """Look whether sessions can start from the snapshot: reads all of it, and starts a session that is deleted."""
        found = await engine.examine_project(await store.get_project(project))
        return [FindingBody(name=one.name, is_ok=one.is_ok, seen=one.seen, mend=one.mend) for one in found]

    @router.post("/projects/{project}/setup-sessions", status_code=201)
    async def begin_setup(project: str, new: NewSetupSession) -> SessionBody:
        """Start a session in which an agent sets the project up; the snapshot that serves is left alone.

        409: the provider of models cannot be used.
        """
        options = SessionOptions(
            title="Set up", provider=new.provider, model=new.model, effort=new.effort, mode=AgentMode.FULL
        )
        found = await store.get_project(project)
        return await views.session(await engine.begin_setup(found, options, new.guidance))

    @router.get("/projects/{project}/snapshots")
    async def list_snapshots(project: str) -> list[SnapshotBody]:
        """Return a project's snapshots, all generations."""
        found = await store.get_project(project)
        return [views.snapshot(snapshot) for snapshot in await store.list_snapshots(found.id)]

    @router.get("/snapshots/{snapshot}/log")
    async def snapshot_log(snapshot: str, after: int = 0) -> SnapshotLog:
        """Return a build's log from character `after` on; at most the newest 256 KiB are kept."""
        log = (await store.get_snapshot(SnapshotId(snapshot))).log
        return SnapshotLog(text=log[max(0, after) :], next_offset=len(log))

    @router.get("/sizes")
    async def list_sizes() -> list[SizeBody]:
        """Return the sizes that projects and sessions can be given."""
        sizes = engine.parts.settings.all_sizes
        return [SizeBody(name=name, **size.model_dump()) for name, size in sizes.items()]

    @router.get("/projects/{project}/pull-requests", tags=["pull requests"])
    async def list_pull_requests(project: str) -> list[PullRequestBody]:
        """Return a project's pull requests."""
        found = await store.get_project(project)
        return await views.pull_requests(found, await store.list_pull_requests(found.id))

    @router.get("/projects/{project}/pull-requests/{number}", tags=["pull requests"])
    async def show_pull_request(project: str, number: int) -> PullRequestBody:
        """Return one pull request as its host has it now. 502: the host does not answer."""
        found = await store.get_project(project)
        pull_request = await store.get_pull_request(found.id, number)
        return await views.pull_request(await engine.pull_requests.refresh(found, pull_request))

    @router.get("/projects/{project}/pull-requests/{number}/patch", tags=["pull requests"])
    async def pull_request_patch(project: str, number: int) -> PlainTextResponse:
        """Return a pull request's change as a patch."""
        found = await store.get_project(project)
        pull_request = await store.get_pull_request(found.id, number)
        return PlainTextResponse(await engine.pull_requests.patch(found, pull_request))

    @router.get("/projects/{project}/pull-requests/{number}/checks", tags=["pull requests"])
    async def pull_request_checks(project: str, number: int) -> list[CheckBody]:
        """Return what programs say of its newest commit. 409: its host has no checks. 502: the host does not answer."""
        found = await store.get_project(project)
        checks = await engine.pull_requests.list_checks(found, await store.get_pull_request(found.id, number))
        return [CheckBody(name=one.name, status=one.status, conclusion=one.conclusion, url=one.url) for one in checks]

    @router.get("/projects/{project}/pull-requests/{number}/comments", tags=["pull requests"])
    async def pull_request_comments(project: str, number: int) -> list[ReviewCommentBody]:
        """Return what reviewers wrote at its lines. 409: its host has none. 502: the host does not answer."""
        found = await store.get_project(project)
        comments = await engine.pull_requests.list_review_comments(
            found, await store.get_pull_request(found.id, number)
        )
        return [
            ReviewCommentBody(author=one.author, path=one.path, line=one.line, body=one.body, url=one.url)
            for one in comments
        ]

    @router.post("/projects/{project}/pull-requests/{number}/merge", tags=["pull requests"])
    async def merge_pull_request(project: str, number: int) -> PullRequestBody:
        """Merge a pull request. 409: it is not open. 502: it conflicts or the git host refuses; nothing was changed."""
        found = await store.get_project(project)
        pull_request = await store.get_pull_request(found.id, number)
        return await views.pull_request(await engine.pull_requests.merge(found, pull_request))

    return router
