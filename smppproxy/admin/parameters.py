"""The parameters of a request, checked against what its operation takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from smppproxy.admin.api import Operation
from smppproxy.admin.errors import bad
from smppproxy.admin.schemas import VISIBLE, Field
from smppproxy.config.source import near

_FLAGS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}

_KINDS: dict[str, tuple[type, str]] = {
    "string": (str, "text"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
    "number": (float, "a number"),
    "strings": (list, "a list of texts"),
    "object": (dict, "an object"),
}


def of_query(operation: Operation, query: Mapping[bytes, list[bytes]]) -> dict[str, Any]:
    """The parameters of a GET.

    :raises ApiError: 400, says which one is wrong and what would be right.
    """
    fields = {field.name: field for field in operation.parameters}
    given: dict[str, Any] = {}
    for key, values in query.items():
        name = _text(key, "a parameter's name")
        field = _known(fields, name)
        texts = [_text(value, name) for value in values]
        if field.kind == "strings":
            given[name] = texts
            continue
        if len(texts) > 1:
            raise bad(f"{name} is there {len(texts)} times; write it once")
        given[name] = _of_text(field, texts[0])
    return _checked(fields, given)


def of_body(operation: Operation, body: bytes) -> dict[str, Any]:
    """The parameters of a POST.

    :raises ApiError: 400, says which one is wrong and what would be right.
    """
    fields = {field.name: field for field in operation.parameters}
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise bad(f"the body is not JSON: {error}") from None
    if not isinstance(given, dict):
        example = ", ".join(f'"{name}": ...' for name in fields)
        raise bad(f"the body is not an object; write {{{example}}}")
    for name, value in given.items():
        kind, words = _KINDS[_known(fields, name).kind]
        if kind is float and type(value) is int:
            value = given[name] = float(value)
        if type(value) is not kind:
            raise bad(f"{name} is not {words}")
        if isinstance(value, list) and any(type(each) is not str for each in value):
            raise bad(f"{name} is not {words}")
    return _checked(fields, given)


def moment(written: str | None, name: str, otherwise: float) -> float:
    """A time in unix seconds.

    :raises ApiError: 400, it is none.
    """
    if written is None:
        return otherwise
    try:
        found = datetime.fromisoformat(written)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        raise bad(f"{name} is no time; write 2026-12-24T18:00:00Z, or with an offset") from None


def _text(octets: bytes, name: str) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise bad(f"{name} is not UTF-8") from None


def _known(fields: Mapping[str, Field], name: str) -> Field:
    if name not in fields:
        mend = near(name, fields) if fields else "it takes none"
        raise bad(f"there is no parameter {name[:64]}; {mend}")
    return fields[name]


def _of_text(field: Field, written: str) -> Any:
    kind, words = _KINDS[field.kind]
    if kind is bool:
        if written not in _FLAGS:
            raise bad(f"{field.name} is neither true nor false")
        return _FLAGS[written]
    if kind is str:
        return written
    try:
        return kind(written)
    except ValueError:
        raise bad(f"{field.name} is not {words}") from None


def _checked(fields: Mapping[str, Field], given: dict[str, Any]) -> dict[str, Any]:
    values = {name: given.get(name, field.default) for name, field in fields.items()}
    for name, value in values.items():
        field = fields[name]
        if name in given:
            _check(field, value)
        elif field.required:
            raise bad(f"{name} is missing: {field.help or 'it has no default'}")
    return values


def _check(field: Field, value: Any) -> None:
    if isinstance(value, str):
        _check_text(field, value)
    for each in value if isinstance(value, list) else ():
        _check_text(field, each)
    if field.choices and value not in field.choices:
        raise bad(f"{field.name} is none of {', '.join(field.choices)}")
    if isinstance(value, str):
        _bound(field, len(value), " characters")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _bound(field, value, "")


def _check_text(field: Field, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad(f"{field.name} is not UTF-8") from None
    if field.lines or field.format or re.fullmatch(field.pattern, value):
        return
    if not re.fullmatch(VISIBLE, value):
        raise bad(f"{field.name} holds a control character")
    example = f"; write it like {field.example}" if field.example else ""
    raise bad(f"{field.name} holds what it cannot{example}")


def _bound(field: Field, size: float, unit: str) -> None:
    if size != size or size in (float("inf"), float("-inf")):
        raise bad(f"{field.name} is not a number")
    if field.least is not None and size < field.least:
        raise bad(f"{field.name} has to be at least {field.least}{unit}")
    if field.most is not None and size > field.most:
        raise bad(f"{field.name} may be at most {field.most}{unit}")
