"""What is measured, and how sure we are. `from audit import audit` runs one.

Imported lazily: a stored report is read without what an audit needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.session import audit as audit


def __getattr__(name: str) -> Any:
    if name == "audit":
        from audit.session import audit

        return audit
    raise AttributeError(name)
