"""Projects and their environment values, which are encrypted as one."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.errors import InvalidInputError, NotFoundError
from lot.core.ids import ProjectId, SessionId
from lot.core.records import Project
from lot.store import tables
from lot.store.database import Database
from lot.store.rows import changed_columns, project_from, values_of
from lot.store.sessions import delete_session_rows


class ProjectStore(Database):
    """Projects."""

    async def add_project(self, project: Project, environment: Mapping[str, str]) -> Project:
        """Store a new project.

        Raises:
            InvalidInputError: its name is taken.
        """
        values = values_of(project) | {"environment": self._sealed(project.id, environment)}
        values |= {"spent_tokens": 0, "spent_usd": 0.0}
        try:
            async with self._writing() as transaction:
                await transaction.execute(insert(tables.projects).values(values))
        except IntegrityError as error:
            raise _name_taken(project.name) from error
        return project

    async def get_project(self, id_or_name: str) -> Project:
        """Return the project with this id, else the one with this name.

        Raises:
            NotFoundError: there is none.
        """
        columns = tables.projects.c
        query = (
            select(tables.projects)
            .where(or_(columns.id == id_or_name, columns.name == id_or_name))
            .order_by(columns.id != id_or_name)
            .limit(1)
        )
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
        if row is None:
            raise _no_project(id_or_name)
        return project_from(row)

    async def list_projects(self) -> list[Project]:
        """Return every project, by name."""
        async with self._reading() as transaction:
            rows = await transaction.execute(select(tables.projects).order_by(tables.projects.c.name))
            return [project_from(row) for row in rows.mappings()]

    async def change_project(self, project_id: ProjectId, **fields: Any) -> Project:
        """Change attributes of a project.

        Raises:
            NotFoundError: there is none.
            InvalidInputError: the new name is taken.
        """
        statement = (
            update(tables.projects)
            .where(tables.projects.c.id == project_id)
            .values(changed_columns(Project, fields))
            .returning(tables.projects)
        )
        try:
            async with self._writing() as transaction:
                row = (await transaction.execute(statement)).mappings().first()
        except IntegrityError as error:
            raise _name_taken(fields.get("name")) from error
        if row is None:
            raise _no_project(project_id)
        return project_from(row)

    async def delete_project(self, project_id: ProjectId, *, cascade: bool = False) -> None:
        """Remove a project with its snapshots and pull requests; with `cascade` its sessions too.

        Raises:
            NotFoundError: there is none.
            InvalidInputError: it has sessions and `cascade` is False.
        """
        projects, sessions = tables.projects, tables.sessions
        async with self._writing() as transaction:
            locked = select(projects.c.id).where(projects.c.id == project_id).with_for_update()
            if (await transaction.execute(locked)).first() is None:
                raise _no_project(project_id)
            of_project = select(sessions.c.id).where(sessions.c.project_id == project_id).order_by(sessions.c.id)
            ids = [SessionId(id_) for id_ in await transaction.scalars(of_project.with_for_update())]
            if ids and not cascade:
                raise InvalidInputError(f"project {project_id} has {len(ids)} sessions: delete them first")
            for session_id in ids:
                await delete_session_rows(transaction, session_id)
            for table in (tables.pull_requests, tables.snapshots):
                await transaction.execute(delete(table).where(table.c.project_id == project_id))
            await transaction.execute(delete(projects).where(projects.c.id == project_id))
        await self._forget_deleted()

    async def get_environment(self, project_id: ProjectId) -> dict[str, str]:
        """Return the environment values of a project.

        Raises:
            NotFoundError: there is none.
            UnavailableError: they do not open with this installation's key.
        """
        query = select(tables.projects.c.environment).where(tables.projects.c.id == project_id)
        async with self._reading() as transaction:
            stored = await transaction.scalar(query)
        if stored is None:
            raise _no_project(project_id)
        environment: dict[str, str] = json.loads(self._box.decrypt(stored, _context(project_id)))
        return environment

    async def set_environment(self, project_id: ProjectId, environment: Mapping[str, str]) -> None:
        """Replace the environment values of a project.

        Raises:
            NotFoundError: there is none.
        """
        statement = (
            update(tables.projects)
            .where(tables.projects.c.id == project_id)
            .values(environment=self._sealed(project_id, environment))
        )
        async with self._writing() as transaction:
            if (await transaction.execute(statement)).rowcount == 0:
                raise _no_project(project_id)

    def _sealed(self, project_id: ProjectId, environment: Mapping[str, str]) -> str:
        return self._box.encrypt(json.dumps(dict(environment)), _context(project_id))


def _context(project_id: ProjectId) -> str:
    return tables.ENVIRONMENT.context(id=project_id)


def _no_project(id_or_name: str) -> NotFoundError:
    return NotFoundError(f"there is no project {id_or_name}")


def _name_taken(name: str | None) -> InvalidInputError:
    return InvalidInputError(f"a project named {name} exists already; choose another name")
