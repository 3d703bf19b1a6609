"""Changes what a project is set to. Snapshots and sessions that are there keep what they were made with."""

from collections.abc import Mapping
from typing import Any

from lot.core.errors import InvalidInputError
from lot.core.ids import ProjectId
from lot.core.image_source import read_image_source
from lot.core.records import Project
from lot.engine.parts import Parts

_CANNOT_BE_TAKEN_AWAY = ("name", "branch", "size", "has_browser", "rebuilds_when_stale")


async def change_project(parts: Parts, project_id: ProjectId, changes: Mapping[str, Any]) -> Project:
    """Change attributes of a project.

    Raises:
        InvalidInputError: a name that is taken, an unknown size or kind of image, or nothing where something must be.
        RepositoryError: the source has no such branch. GitError: the source cannot be reached.
    """
    missing = [name for name in _CANNOT_BE_TAKEN_AWAY if name in changes and changes[name] is None]
    if missing:
        raise InvalidInputError(f"{missing[0]} cannot be taken away: leave it out to keep it as it is")
    if changes.get("image") is not None:
        changes = {**changes, "image": str(read_image_source(changes["image"]))}
    if "size" in changes:
        parts.settings.get_size(changes["size"])
    others = [project.name for project in await parts.store.list_projects() if project.id != project_id]
    if changes.get("name") in others:
        raise InvalidInputError(f"a project named {changes['name']} exists already; choose another name")
    if "branch" in changes:
        await parts.mirrors.choose_branch(project_id, changes["branch"])
    if not changes:
        return await parts.store.get_project(project_id)
    return await parts.store.change_project(project_id, **changes)
