"""Parameters and columns, and what JSON schema says of them."""

from __future__ import annotations

from typing import Any

import attrs

OCTETS = "[ -~\\xa0-\\xff]*"
"""What a text may be made of that becomes octets of a PDU, one for each character."""

VISIBLE = "[^\\x00-\\x1f\\x7f-\\x9f]*"
"""What a text may be made of: neither a store's key nor a log line holds control characters."""


@attrs.frozen
class Field:
    """A parameter of a request, or a column of an answer.

    :ivar kind: ``string``, ``integer``, ``number``, ``boolean``, ``object`` or ``strings``.
    :ivar least: of a number; of a text, its shortest length.
    :ivar most: of a number; of a text, its longest length.
    :ivar pattern: what a text is made of; of ``strings``, each of them.
    :ivar format: of a text, as JSON schema names it.
    :ivar example: a value, for the document.
    :ivar lines: of a text, whether it may have several; other control characters too.
    :ivar nullable: a column whose value may be null, where there is nothing to tell.
    :ivar wide: a column that a table shows only when asked for.
    """

    name: str
    kind: str = "string"
    help: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    least: int | None = None
    most: int | None = None
    example: str = ""
    lines: bool = False
    pattern: str = VISIBLE
    format: str = ""
    nullable: bool = False
    wide: bool = False


def text(name: str, help: str = "", **more: Any) -> Field:
    """A column of text."""
    return Field(name, "string", help, **more)


def whole(name: str, help: str = "", **more: Any) -> Field:
    """A column of whole numbers."""
    return Field(name, "integer", help, **more)


def number(name: str, help: str = "", **more: Any) -> Field:
    """A column of numbers."""
    return Field(name, "number", help, **more)


def flag(name: str, help: str = "", **more: Any) -> Field:
    """A column of true and false."""
    return Field(name, "boolean", help, **more)


def schema(field: Field) -> dict[str, Any]:
    """The JSON schema of a column's value."""
    if field.kind == "strings":
        said: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    else:
        said = {"type": field.kind}
    low, high = ("minLength", "maxLength") if field.kind == "string" else ("minimum", "maximum")
    for word, value in (
        (low, field.least),
        (high, field.most),
        ("enum", [*field.choices] or None),
        ("default", field.default),
        ("description", field.help or None),
        ("nullable", field.nullable or None),
    ):
        if value is not None:
            said[word] = value
    return said


def asked(field: Field) -> dict[str, Any]:
    """The JSON schema of a parameter's value."""
    said = schema(field)
    if field.kind == "string" and not (field.lines or field.choices or field.format):
        said["pattern"] = f"^{field.pattern}$"
    if field.kind == "strings":
        said["items"] = {"type": "string", "pattern": f"^{field.pattern}$"}
    if field.format:
        said["format"] = field.format
    if field.example:
        said["example"] = field.example
    return said


def listing(item: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list."""
    return {"type": "array", "items": item}


def record(fields: tuple[Field, ...]) -> dict[str, Any]:
    """The schema of an object with exactly these fields."""
    return {
        "type": "object",
        "properties": {field.name: schema(field) for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }
