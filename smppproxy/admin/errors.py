"""What the operator's door says when it does not do what it was asked."""

from __future__ import annotations

from collections.abc import Iterable

from smppproxy.config.source import near


class ApiError(Exception):
    """An answer that is no answer.

    :ivar status: of HTTP.
    :ivar code: a word for programs.
    :ivar text: for people: what is wrong, and what would be right.
    """

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"error": {"status": self.status, "code": self.code, "text": self.text}}


def unknown(what: str, name: str, known: Iterable[str]) -> ApiError:
    """There is nothing of that name; what there is."""
    names = sorted(set(known))
    if not names:
        return ApiError(404, "unknown_name", f"there is no {what} {name}, and no other one either")
    if len(names) > MOST_TOLD:
        mend = near(name, names)
        if mend.startswith("known are"):
            mend = f"known are {', '.join(names[:MOST_TOLD])} and {len(names) - MOST_TOLD} more"
    else:
        mend = near(name, names)
        if not mend.startswith("known are"):
            mend += f" known are {', '.join(names)}"
    return ApiError(404, "unknown_name", f"there is no {what} {name}; {mend}")


MOST_TOLD = 20
"""Names that an answer tells when another one was not found."""


def bad(text: str) -> ApiError:
    """A parameter that cannot be."""
    return ApiError(400, "bad_parameter", text)
