"""What the server does not do, as a page that says what to do instead."""

from __future__ import annotations

import errno


class Refused(Exception):  # noqa: N818  it is an answer, no fault
    """Becomes a page of that status; never shown with a traceback."""

    def __init__(self, status: int, what: str, remedy: str) -> None:
        """what: a sentence that says what is wrong. remedy: a sentence that says what to do."""
        self.status, self.what, self.remedy = status, what, remedy
        super().__init__(what)


def no_room() -> Refused:
    """The disk is full, or nearly so."""
    return Refused(
        507,
        "There is no room for that on this server.",
        "Download what you have, press Forget, and try again; or try later.",
    )


def too_large() -> Refused:
    """More than is taken at once."""
    return Refused(
        413, "That was more than this server takes at once.", "Send fewer photos, or smaller ones."
    )


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Of an OSError: there is no room."""
