"""Loaders: many keys of one request become one call of a use case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping

from strawberry.dataloader import DataLoader


def one_call[Key: Hashable, Value](
    read: Callable[[list[Key]], Awaitable[Mapping[Key, Value]]],
) -> DataLoader[Key, Value | None]:
    """A loader over a method that answers any number of keys; None in the place of a missing one."""

    async def load(keys: list[Key]) -> list[Value | None]:
        found = await read(keys)
        return [found.get(key) for key in keys]

    return DataLoader(load)


def one_call_per_option[Key: Hashable, Option: Hashable, Value](
    read: Callable[[list[Key], Option], Awaitable[Mapping[Key, Value]]],
) -> DataLoader[tuple[Key, Option], Value | None]:
    """The same where keys come with an option, such as the SLI type: one call for each option asked for."""

    async def load(keys: list[tuple[Key, Option]]) -> list[Value | None]:
        by_option: dict[Option, list[Key]] = {}
        for key, option in keys:
            by_option.setdefault(option, []).append(key)
        found = {option: await read(wanted, option) for option, wanted in by_option.items()}
        return [found[option].get(key) for key, option in keys]

    return DataLoader(load)
