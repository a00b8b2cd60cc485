"""A memory in bytes: what was asked for last is kept, and never more than so much."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from lowkey_core.work.bounded import Bounded


def test_forgets_what_was_asked_for_longest_ago() -> None:
    made: list[str] = []

    def make(what: str) -> bytes:
        made.append(what)
        return b"x" * 10

    memory: Bounded[bytes] = Bounded(25, len)
    for what in ("a", "b", "a", "c", "a", "b"):
        memory.get(what, lambda what=what: make(what))  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"], "b was asked for longest ago when c came"


def test_never_holds_more_than_its_bytes() -> None:
    memory: Bounded[bytes] = Bounded(100, len)
    for i in range(50):
        assert memory.get(i, lambda i=i: bytes(i)) == bytes(i)  # type: ignore[misc]
        assert memory.held == sum(map(len, memory.values.values())) <= 100


def test_what_is_larger_than_all_of_it_is_given_and_kept_until_the_next() -> None:
    memory: Bounded[bytes] = Bounded(5, len)
    assert memory.get("large", lambda: bytes(50)) == bytes(50)
    assert memory.get("small", lambda: bytes(1)) == bytes(1)
    assert list(memory.values) == ["small"]


def test_what_two_threads_make_at_the_same_time_is_held_once() -> None:
    memory, both = Bounded[bytes](100, len), threading.Barrier(2)

    def make() -> bytes:
        both.wait(10)  # neither has it yet
        return bytes(10)

    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(lambda _: memory.get("a", make), range(2))]
    assert found[0] is found[1]
    assert memory.held == 10
