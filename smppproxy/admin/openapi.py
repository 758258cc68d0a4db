"""The OpenAPI 3 document of the operator's door, made of :mod:`smppproxy.admin.api`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smppproxy.admin.api import PREFIX, Operation
from smppproxy.admin.schemas import Field, asked

ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "text": {"type": "string"},
            },
            "required": ["status", "code", "text"],
            "additionalProperties": False,
        }
    },
    "required": ["error"],
    "additionalProperties": False,
}

PROBLEMS = {
    "400": "a parameter is unknown, missing or of the wrong kind",
    "401": "no token, or one that nobody has",
    "403": "the token's role is too small",
    "404": "there is nothing of that name; the text says what there is",
    "409": "it cannot be done in the present state",
    "413": "the body is too long",
    "415": "the body is not JSON",
    "500": "a fault of ours; it is in the log",
    "503": "the store or the node that has to be asked is away",
    "504": "it took too long",
}


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The document.

    :param version: of the program.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _of(operation)
    problems = {
        f"problem_{status}": {"description": text, "content": _json({"$ref": _ERROR})}
        for status, text in PROBLEMS.items()
    }
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "smppproxy",
            "version": version,
            "description": "The operator's door of an SMPP multiplexing router.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "responses": problems,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


_ERROR = "#/components/schemas/Error"


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _of(operation: Operation) -> dict[str, Any]:
    kind = "application/x-ndjson" if operation.stream else "application/json"
    good = {"description": "what was asked for", "content": {kind: {"schema": operation.answer}}}
    spoken: dict[str, Any] = {
        "operationId": operation.identity,
        "summary": operation.help,
        "x-role": operation.role,
        "responses": {
            "200": good,
            **{status: {"$ref": f"#/components/responses/problem_{status}"} for status in PROBLEMS},
        },
    }
    if operation.method == "GET":
        spoken["parameters"] = [
            {
                "name": field.name,
                "in": "query",
                "description": field.help,
                "required": field.required,
                "schema": asked(field),
            }
            for field in operation.parameters
        ]
    else:
        spoken["requestBody"] = {
            "required": any(field.required for field in operation.parameters),
            "content": _json(_body(operation.parameters)),
        }
    return spoken


def _body(fields: tuple[Field, ...]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: asked(field) for field in fields},
        "additionalProperties": False,
    }
    required = [field.name for field in fields if field.required]
    if required:
        body["required"] = required
    return body
