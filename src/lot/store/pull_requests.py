"""Pull requests as Lot knows them; they outlive their sessions."""

from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.errors import InvalidInputError, NotFoundError
from lot.core.ids import ProjectId, PullRequestId, SessionId
from lot.core.records import PullRequest
from lot.store import tables
from lot.store.database import Database
from lot.store.rows import changed_columns, pull_request_from, values_of

pull_requests, projects = tables.pull_requests, tables.projects


class PullRequestStore(Database):
    """Pull requests."""

    async def add_pull_request(self, pull_request: PullRequest) -> PullRequest:
        """Store a new pull request; number 0 becomes the next one of its project.

        Raises:
            NotFoundError: there is no such project.
            InvalidInputError: its number is taken, or its session is gone.
        """
        values = values_of(pull_request)
        of_project = pull_requests.c.project_id == pull_request.project_id
        try:
            async with self._writing() as transaction:
                locked = select(projects.c.id).where(projects.c.id == pull_request.project_id).with_for_update()
                if (await transaction.execute(locked)).first() is None:
                    raise NotFoundError(f"there is no project {pull_request.project_id}")
                if pull_request.number == 0:
                    newest = select(func.max(pull_requests.c.number)).where(of_project)
                    values["number"] = (await transaction.scalar(newest) or 0) + 1
                rows = await transaction.execute(insert(pull_requests).values(values).returning(pull_requests))
                return pull_request_from(rows.mappings().one())
        except IntegrityError as error:
            raise InvalidInputError(
                f"pull request {values['number']} of project {pull_request.project_id} exists already, "
                f"or its session {pull_request.session_id} is gone"
            ) from error

    async def change_pull_request(self, pull_request_id: PullRequestId, **fields: Any) -> PullRequest:
        """Change attributes of a pull request.

        Raises:
            NotFoundError: there is none.
        """
        statement = (
            update(pull_requests)
            .where(pull_requests.c.id == pull_request_id)
            .values(changed_columns(PullRequest, fields))
            .returning(pull_requests)
        )
        async with self._writing() as transaction:
            row = (await transaction.execute(statement)).mappings().first()
        if row is None:
            raise NotFoundError(f"there is no pull request {pull_request_id}")
        return pull_request_from(row)

    async def get_pull_request(self, project_id: ProjectId, number: int) -> PullRequest:
        """Return a pull request of a project by its number.

        Raises:
            NotFoundError: there is none.
        """
        query = select(pull_requests).where(pull_requests.c.project_id == project_id, pull_requests.c.number == number)
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
        if row is None:
            raise NotFoundError(f"there is no pull request {number} of project {project_id}")
        return pull_request_from(row)

    async def newest_pull_request_of(self, session_id: SessionId) -> PullRequest | None:
        """Return the newest pull request of a session, whatever its state."""
        query = (
            select(pull_requests)
            .where(pull_requests.c.session_id == session_id)
            .order_by(pull_requests.c.created_at.desc(), pull_requests.c.number.desc())
            .limit(1)
        )
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
        return None if row is None else pull_request_from(row)

    async def list_pull_requests(self, project_id: ProjectId) -> list[PullRequest]:
        """Return the pull requests of a project, newest first."""
        query = (
            select(pull_requests)
            .where(pull_requests.c.project_id == project_id)
            .order_by(pull_requests.c.number.desc())
        )
        async with self._reading() as transaction:
            return [pull_request_from(row) for row in (await transaction.execute(query)).mappings()]
