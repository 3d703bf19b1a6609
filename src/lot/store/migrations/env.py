"""Alembic's entry: runs the migrations on the connection that `store/migrate.py` hands over."""

from alembic import context

# SQLite's DDL is transactional as well; Alembic believes otherwise because of the driver's default mode.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
