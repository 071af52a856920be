"""Addresses that a key may be used from; client certificates of offices' systems."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _widen_keys()
    op.create_table(
        "client_certificates",
        sa.Column("pin", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organs", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("expires_at", whole, nullable=True),
        sa.Column("revoked_at", whole, nullable=True),
        sa.PrimaryKeyConstraint("pin", name=op.f("pk_client_certificates")),
        sqlite_strict=True,
    )


def _widen_keys() -> None:
    """Made anew: a column that may not be empty cannot be added without a default, and a default would forgive a mistake.

    The rows are few; those of revoked keys are history and are kept.
    """
    names = ("key_id", "name", "secret_digest", "organs", "scopes", "expires_at", "revoked_at")
    old = sa.table("api_keys", *map(sa.column, names))
    rows = [dict(row) for row in op.get_bind().execute(sa.select(old)).mappings()]
    op.drop_table("api_keys")
    new = op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("organs", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("expires_at", whole, nullable=True),
        sa.Column("revoked_at", whole, nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sqlite_strict=True,
    )
    op.bulk_insert(new, [{**row, "addresses": "[]"} for row in rows])
