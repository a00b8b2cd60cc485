"""Which group a person is of, as a table says: a file of its own, or a column beside others."""

from __future__ import annotations

from lowkey_core.photos.tables import rows, wrong

NAME = "groups.csv"
"""Of the file inside a folder of photos; beside the folder it is called FOLDER.groups.csv."""


class Groups:
    """Groups by identity, from the rows of a table."""

    def __init__(self, root: str) -> None:
        """root: the table, for messages."""
        self._root = root
        self._known: dict[str, tuple[str, int]] = {}

    def add(self, identity: str, group: str, line: int) -> None:
        """A row; one without a group says nothing. Raises: DatasetError if another one says that
        the person is of another group."""
        group = group.strip()
        if not group:
            return
        before, there = self._known.setdefault(identity, (group, line))
        if before != group:
            got = f"{identity} is of {group!r}, and in line {there} of {before!r}"
            raise wrong(self._root, line, got, "one group for each person")

    @property
    def by_identity(self) -> dict[str, str]:
        """Of those whose group is stated."""
        return {identity: group for identity, (group, _) in self._known.items()}


def read(root: str) -> dict[str, str]:
    """Groups by identity, of a table with the columns `identity` and `group`. Raises: DatasetError,
    with the line."""
    groups = Groups(root)
    for line, (identity, group, _) in rows(root, ("identity", "group")):
        groups.add(identity.strip(), group, line)
    return groups.by_identity
