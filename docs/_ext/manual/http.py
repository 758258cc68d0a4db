"""The HTTP interface, out of its OpenAPI document."""

from __future__ import annotations

from typing import Any

from manual.words import heading, inline, literal, table
from smppproxy.admin.api import OPERATIONS
from smppproxy.admin.openapi import PROBLEMS, document


def openapi() -> dict[str, Any]:
    """The document that a node serves."""
    return document(OPERATIONS.values(), "")


def lines() -> list[str]:
    """Each path with its parameters and its answer."""
    result: list[str] = []
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            result += _operation(method.upper(), path, operation)
    return result


def problems() -> list[str]:
    """What each HTTP status means that is no 200."""
    rows = ((status, inline(text)) for status, text in PROBLEMS.items())
    return table(("status", "when"), rows, "1 6")


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    result = [f".. _http-{operation['operationId']}:", "", *heading(literal(f"{method} {path}"), 1)]
    summary = operation["summary"]
    result += [f"{inline(summary[0].upper() + summary[1:])}. Role: {operation['x-role']}.", ""]
    fields = _parameters(operation)
    if fields:
        result += table(("parameter", "kind", "what it says"), fields, "2 2 6")
    return result + _answer(operation)


def _parameters(operation: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    for field in operation.get("parameters", ()):
        rows.append(_row(field["name"], field["schema"], field["required"]))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = body.get("schema", {})
    for name, each in schema.get("properties", {}).items():
        rows.append(_row(name, each, name in schema.get("required", ())))
    return rows


def _row(name: str, schema: dict[str, Any], required: bool = False) -> tuple[str, str, str]:
    text = inline(schema.get("description", ""))
    said = [text] if text else []
    if "enum" in schema:
        said.append("one of " + ", ".join(literal(str(each)) for each in schema["enum"]))
    if required:
        said.append("required")
    elif schema.get("default") not in (None, ""):
        said.append(f"default {literal(str(schema['default']).lower())}")
    return literal(name), _kind(schema), "; ".join(said) or "\\"


def _kind(schema: dict[str, Any]) -> str:
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}s"
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)


def _answer(operation: dict[str, Any]) -> list[str]:
    ((kind, content),) = operation["responses"]["200"]["content"].items()
    schema = content["schema"]
    result = ["It answers one JSON object per line, until one side ends it.", ""]
    if kind == "application/json":
        result = []
    fields = schema.get("properties", {})
    if not fields:
        return result
    result += _fields("answer", fields)
    for name, each in fields.items():
        rows = each.get("items", each).get("properties", {})
        if rows:
            result += [f"Of {literal(name)}:", ""]
            result += _fields("field", rows)
    return result


def _fields(head: str, fields: dict[str, Any]) -> list[str]:
    rows = (_row(name, schema) for name, schema in fields.items())
    return table((head, "kind", "what it says"), rows, "2 2 6")
