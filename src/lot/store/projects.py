"""Projects and their environment values, which are encrypted as one."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.environment import Environment, Variable
from lot.core.errors import InvalidInputError, NotFoundError, StaleWriteError
from lot.core.ids import ProjectId, SessionId
from lot.core.records import Project
from lot.store import tables
from lot.store.database import Database
from lot.store.naming import by_id_or_name
from lot.store.rows import changed_columns, project_from, values_of
from lot.store.sessions import delete_session_rows


class ProjectStore(Database):
    """Projects."""

    async def add_project(self, project: Project, environment: Mapping[str, str]) -> Project:
        """Store a new project.

        Raises:
            InvalidInputError: its name is taken.
        """
        variables = {name: Variable(value=value, changed_at=project.created_at) for name, value in environment.items()}
        values = values_of(project) | {"environment": self._sealed(project.id, variables)}
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
        async with self._reading() as transaction:
            row = (await transaction.execute(by_id_or_name(tables.projects, id_or_name))).mappings().first()
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

    async def get_environment(self, project_id: ProjectId) -> Environment:
        """Return the environment of a project.

        Raises:
            NotFoundError: there is none.
            UnavailableError: its values do not open with this installation's key.
        """
        columns = tables.projects.c
        query = select(columns.environment, columns.environment_version).where(columns.id == project_id)
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).first()
        if row is None:
            raise _no_project(project_id)
        stored = json.loads(self._box.decrypt(row.environment, _context(project_id)))
        variables = {name: _variable_from(variable) for name, variable in stored.items()}
        return Environment(version=row.environment_version, variables=variables)

    async def set_environment(
        self, project_id: ProjectId, variables: Mapping[str, Variable], seen_version: int
    ) -> Environment:
        """Replace the environment of a project, if nobody changed it since that version was read.

        Raises:
            NotFoundError: there is none.
            StaleWriteError: somebody changed it in between: read again, decide again.
        """
        projects = tables.projects
        changes = {"environment": self._sealed(project_id, variables), "environment_version": seen_version + 1}
        of_project = projects.c.id == project_id
        statement = update(projects).where(of_project, projects.c.environment_version == seen_version).values(changes)
        async with self._writing() as transaction:
            if (await transaction.execute(statement)).rowcount == 0:
                if await transaction.scalar(select(projects.c.id).where(of_project)) is None:
                    raise _no_project(project_id)
                raise StaleWriteError(f"the environment of project {project_id} was changed in between: read it again")
        await self._forget_deleted()
        return Environment(version=seen_version + 1, variables=dict(variables))

    def _sealed(self, project_id: ProjectId, variables: Mapping[str, Variable]) -> str:
        stored = {name: _stored(variable) for name, variable in variables.items()}
        return self._box.encrypt(json.dumps(stored), _context(project_id))


def _stored(variable: Variable) -> dict[str, str | None]:
    changed_at = variable.changed_at
    return {"value": variable.value, "changed_at": None if changed_at is None else changed_at.isoformat()}


def _variable_from(stored: str | dict[str, str]) -> Variable:
    """Return a variable as it is stored; at first there was nothing but its value."""
    if isinstance(stored, str):
        return Variable(value=stored)
    changed_at = stored["changed_at"]
    return Variable(
        value=stored["value"], changed_at=None if changed_at is None else datetime.fromisoformat(changed_at)
    )


def _context(project_id: ProjectId) -> str:
    return tables.ENVIRONMENT.context(id=project_id)


def _no_project(id_or_name: str) -> NotFoundError:
    return NotFoundError(f"there is no project {id_or_name}")


def _name_taken(name: str | None) -> InvalidInputError:
    return InvalidInputError(f"a project named {name} exists already; choose another name")
