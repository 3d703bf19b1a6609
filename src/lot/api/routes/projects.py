"""Projects, their snapshots and their pull requests."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from lot.api.schemas.projects import NewProject, ProjectBody, ProjectChanges, PullRequestBody, SnapshotBody, SnapshotLog
from lot.api.views import Views
from lot.core.ids import SnapshotId
from lot.engine.engine import Engine


def project_routes(engine: Engine, views: Views) -> APIRouter:
    """Return the routes under `/api/projects` and `/api/snapshots`."""
    router = APIRouter(prefix="/api", tags=["projects"])
    store = engine.parts.store

    @router.post("/projects", status_code=201)
    async def create_project(new: NewProject) -> ProjectBody:
        """Mirror a repository and start building its snapshot. 422: unreachable, empty, or no such branch."""
        project = await engine.create_project(**new.model_dump())
        return await views.project(project)

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
        """Change what is given: budgets, whether agents may look at the app, the next snapshot's image."""
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

    @router.get("/projects/{project}/pull-requests", tags=["pull requests"])
    async def list_pull_requests(project: str) -> list[PullRequestBody]:
        """Return a project's pull requests."""
        found = await store.get_project(project)
        return [views.pull_request(one) for one in await store.list_pull_requests(found.id)]

    @router.get("/projects/{project}/pull-requests/{number}", tags=["pull requests"])
    async def show_pull_request(project: str, number: int) -> PullRequestBody:
        """Return one pull request."""
        found = await store.get_project(project)
        return views.pull_request(await store.get_pull_request(found.id, number))

    @router.get("/projects/{project}/pull-requests/{number}/patch", tags=["pull requests"])
    async def pull_request_patch(project: str, number: int) -> PlainTextResponse:
        """Return a pull request's change as a patch."""
        found = await store.get_project(project)
        pull_request = await store.get_pull_request(found.id, number)
        return PlainTextResponse(await engine.parts.forge_of(found).patch(pull_request))

    @router.post("/projects/{project}/pull-requests/{number}/merge", tags=["pull requests"])
    async def merge_pull_request(project: str, number: int) -> PullRequestBody:
        """Merge a pull request. 409: it is not open. 502: it conflicts or the git host refuses; nothing was changed."""
        found = await store.get_project(project)
        pull_request = await store.get_pull_request(found.id, number)
        return views.pull_request(await engine.pull_requests.merge(found, pull_request))

    return router
