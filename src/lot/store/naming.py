"""Rows that people call by an id or by a name."""

from sqlalchemy import Select, Table, or_, select


def by_id_or_name(table: Table, id_or_name: str) -> Select[tuple[object, ...]]:
    """Return the query of the row with this id, else of the one with this name; at most one comes."""
    columns = table.c
    wanted = or_(columns.id == id_or_name, columns.name == id_or_name)
    return select(table).where(wanted).order_by(columns.id != id_or_name).limit(1)
