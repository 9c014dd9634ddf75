"""Reads a GraphQL request out of an HTTP request. Whatever the bytes are, the answer is parameters or a RequestError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from holdco.endpoint.errors import ErrorCode, RequestError


@dataclass(frozen=True, slots=True)
class Parameters:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


async def read_parameters(request: Request, *, body_bytes_max: int) -> Parameters:
    """The parameters of a GET's URL or a POST's body; unknown keys are ignored.

    RequestError, in this order: UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, BAD_REQUEST.
    """
    return parameters_of(_from_url(request) if request.method == "GET" else await _from_body(request, body_bytes_max))


def parameters_of(fields: dict[str, Any]) -> Parameters:
    """RequestError with BAD_REQUEST for a field of another type, and without a query."""
    query = _typed(fields, "query", str, "a string")
    if not query:
        raise RequestError(ErrorCode.BAD_REQUEST, "The request has no `query`: send the text of a GraphQL document.")
    return Parameters(
        query=query,
        variables=_typed(fields, "variables", dict, "an object"),
        # Several clients send an empty name for a document whose only operation has none.
        operation_name=_typed(fields, "operationName", str, "a string") or None,
        extensions=_typed(fields, "extensions", dict, "an object"),
    )


def _from_url(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in fields:
            fields[name] = _json(fields[name], f"The URL's `{name}`") if fields[name] else None
    return fields


async def _from_body(request: Request, body_bytes_max: int) -> dict[str, Any]:
    _check_content_type(request.headers.get("content-type", ""))
    body = _json(await _bounded_body(request, body_bytes_max), "The request's body")
    if not isinstance(body, dict):
        raise RequestError(ErrorCode.BAD_REQUEST, 'The request\'s body must be a JSON object such as {"query": "…"}.')
    return body


def _check_content_type(content_type: str) -> None:
    media_type, _, rest = content_type.lower().partition(";")
    charset = rest.partition("charset=")[2].partition(";")[0].strip(' "')
    if media_type.strip() != "application/json" or charset not in {"", "utf-8", "utf8"}:
        raise RequestError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            "A POST must be declared as JSON in UTF-8: Content-Type: application/json.",
            headers={"accept": "application/json; charset=utf-8"},
        )


async def _bounded_body(request: Request, bytes_max: int) -> bytes:
    too_large = RequestError(ErrorCode.PAYLOAD_TOO_LARGE, f"The request's body has more than {bytes_max} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > bytes_max:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > bytes_max:
                raise too_large
    except ClientDisconnect as gone:
        raise RequestError(ErrorCode.BAD_REQUEST, "The request ended before its body did.") from gone
    return bytes(body)


def _json(text: str | bytes, what: str) -> Any:
    # orjson bounds the depth that it follows, so that brackets without end cannot exhaust the stack.
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(ErrorCode.BAD_REQUEST, f"{what} is not JSON in UTF-8.") from error


def _typed(fields: dict[str, Any], name: str, expected: type, described: str) -> Any:
    value = fields.get(name)
    if value is not None and not isinstance(value, expected):
        raise RequestError(ErrorCode.BAD_REQUEST, f"`{name}` must be {described} or null.")
    return value
