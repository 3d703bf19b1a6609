"""The defaults that users have chosen: one row, of which every server process of an installation reads anew."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from lot.core.defaults import ChosenDefaults, ProviderModel
from lot.store import tables
from lot.store.database import Database
from lot.store.upsert import insert_or_update

defaults = tables.defaults
_THE_ONE = 1


class DefaultStore(Database):
    """Defaults."""

    async def get_chosen_defaults(self) -> ChosenDefaults:
        """Return what was chosen; nothing at first."""
        async with self._reading() as transaction:
            query = select(defaults).where(defaults.c.id == _THE_ONE)
            row = (await transaction.execute(query)).mappings().first()
        if row is None:
            return ChosenDefaults()
        model = None if row["model"] is None else ProviderModel(provider=row["provider"], model=row["model"])
        return ChosenDefaults(
            model=model,
            effort=row["effort"],
            mode=row["mode"],
            size=row["size"],
            idle_countdown_s=row["idle_countdown_s"],
        )

    async def choose_defaults(self, choices: Mapping[str, Any]) -> None:
        """Keep choices, by the names of `ChosenDefaults`; None takes one away, and what is not named stays."""
        values = dict(choices)
        if "model" in values:
            model: ProviderModel | None = values.pop("model")
            values |= {"provider": None, "model": None} if model is None else _columns(model)
        if not values:
            return
        async with self._writing() as transaction:
            fresh = insert_or_update(defaults, transaction.dialect).values(id=_THE_ONE, **values)
            await transaction.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=values))


def _columns(model: ProviderModel) -> dict[str, str]:
    return {"provider": model.provider, "model": model.model}
