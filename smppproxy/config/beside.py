"""Options that say nothing unless another one is set: nobody is left to believe in them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

Refuse = Callable[[str, str, str], None]
"""Takes an option, what is wrong with it and how to mend that."""


@attrs.define
class Beside:
    """`options` have an effect only where `works` is true of all options; `shown` makes it so."""

    options: tuple[str, ...]
    works: Callable[[Mapping[str, Any]], bool]
    shown: str


def refuse_idle(
    refuse: Refuse,
    kind: type,
    rules: Iterable[Beside],
    written: Mapping[str, Any],
    values: Mapping[str, Any],
) -> None:
    """A problem for each option that somebody wrote, unlike its default, without effect.

    `values` are those of all options, `written` holds what the file itself says: what a preset says
    cannot be taken back.
    """
    fields: dict[str, Any] = attrs.fields_dict(kind)
    for rule in rules:
        if rule.works(values):
            continue
        for option in rule.options:
            if option in written and values[option] != _default(fields[option]):
                text = f"{option} says nothing without {rule.shown}"
                refuse(option, text, f"write {rule.shown} too, or remove {option}")


def _default(field: Any) -> object:
    made = isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
    return field.default.factory() if made else field.default
