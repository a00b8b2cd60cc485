"""Other processes that make groups of records, and how many groups are given to them at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from lowkey_core.work.records import Record

Given = TypeVar("Given")
Make = Callable[[Sequence[int]], Sequence[Record]]
"""From the row numbers of a group to a record for each."""


@dataclass(frozen=True)
class Task(Generic[Given]):
    """A `Make` in two steps, so that the second may be done in another process."""

    take: Callable[[Sequence[int]], Given]
    """From row numbers to what `do` is given. It is called here, when the group is begun."""
    do: Callable[[Given], Sequence[Record]]
    """It and what it is given are pickled. A network inside is sent to each process once."""

    def __call__(self, rows: Sequence[int], /) -> Sequence[Record]:
        """Both steps, here."""
        return self.do(self.take(rows))


class Sent(Protocol):
    """A group that is being made elsewhere."""

    def result(self) -> list[Record]:
        """Waits for it. Raises: what `Task.do` raises; OptionError if nobody is left to make it."""
        ...

    def drop(self) -> None:
        """Nobody waits for it any more."""
        ...


class Pool(Protocol):
    """Processes that make groups."""

    @property
    def workers(self) -> int:
        """How many groups are made at the same time."""
        ...

    @property
    def window(self) -> int:
        """Groups that are begun and not yet taken back, at most."""
        ...

    def send(self, task: Task[Any], rows: Sequence[int], /) -> Sent | None:
        """None: what it needs cannot be taken or pickled. Whoever makes it here is told why."""
        ...


Begun = tuple[Sequence[int], list[Record] | Sent | None]
"""The rows of a group; its records if they are kept, else who makes it; None: nobody yet."""


def begun(
    groups: Sequence[Sequence[int]],
    keys: Sequence[str],
    find: Callable[[Sequence[int]], list[Record] | None],
    make: Make,
    pool: Pool | None,
) -> Generator[Begun, None, None]:
    """The groups in their order, as many of them begun as the pool has room for.

    find: the records of a group, if all are kept. A group that shares a key with one before it is
    not looked up until that one is kept: then what is found is what one process would find.
    """
    room, waiting = pool.window if pool else 1, deque[tuple[set[str], Begun]]()
    try:
        for rows in groups:
            own = {keys[i] for i in rows}
            while len(waiting) >= room or any(own & others for others, _ in waiting):
                yield waiting.popleft()[1]
            found: list[Record] | Sent | None = find(rows)
            if found is None and pool and isinstance(make, Task):
                found = pool.send(make, rows)
            waiting.append((own, (rows, found)))
        while waiting:
            yield waiting.popleft()[1]
    finally:
        for _, (_, left) in waiting:
            if left is not None and not isinstance(left, list):
                left.drop()
