"""Runs revisions on the connection that `gateway.storage.schema` hands over, all of them in one transaction."""

from alembic import context

from gateway.storage.tables import metadata

connection = context.config.attributes["connection"]
# SQLite's DDL is transactional once BEGIN is ours (gateway.storage.engine); Alembic assumes it is not.
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
