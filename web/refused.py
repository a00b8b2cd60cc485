"""What the server does not do, as a page that says what to do instead."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  it is an answer, no fault
    """Becomes a page of that status; never shown with a traceback."""

    def __init__(self, status: int, what: str, remedy: str) -> None:
        """what: a sentence that says what is wrong. remedy: a sentence that says what to do."""
        self.status, self.what, self.remedy = status, what, remedy
        super().__init__(what)
