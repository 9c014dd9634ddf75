"""Reads a GraphQL request out of an HTTP request. Whatever the bytes are, the answer is parameters or a RequestError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from holdco.endpoint.errors import ErrorCode, RequestError


@dataclass(frozen=True, slots=True)
class Parameters:
    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None
    document_id: str | None = None


async def read_parameters(request: Request, *, body_bytes_max: int) -> Parameters:
    """The parameters of a GET's URL or a POST's body; unknown keys are ignored.

    RequestError, in this order: UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE for a compressed body,
    BAD_REQUEST.
    """
    return parameters_of(await _from_body(request, body_bytes_max) if request.method == "POST" else _from_url(request))


def parameters_of(fields: dict[str, Any]) -> Parameters:
    """What has the names of parameters, typed. RequestError with BAD_REQUEST."""
    return Parameters(
        query=_typed(fields, "query", str, "a string"),
        variables=_typed(fields, "variables", dict, "an object"),
        # Several clients send an empty name for a document whose only operation has none.
        operation_name=_typed(fields, "operationName", str, "a string") or None,
        extensions=_typed(fields, "extensions", dict, "an object"),
        document_id=_typed(fields, "documentId", str, "a string") or None,
    )


def _from_url(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in fields:
            fields[name] = _json(fields[name], f"The URL's `{name}`") if fields[name] else None
    return fields


async def _from_body(request: Request, body_bytes_max: int) -> dict[str, Any]:
    body = await read_json(request, body_bytes_max=body_bytes_max)
    if isinstance(body, list):
        raise RequestError(ErrorCode.BAD_REQUEST, "Operations are not batched here: send each in a request of its own.")
    if not isinstance(body, dict):
        raise RequestError(ErrorCode.BAD_REQUEST, 'The request\'s body must be a JSON object such as {"query": "…"}.')
    return body


async def read_json(request: Request, *, body_bytes_max: int) -> Any:
    """The value that a POST carries. RequestError as `read_parameters`."""
    _check_content_type(request.headers.get("content-type", ""))
    content = await _bounded_body(request, body_bytes_max)
    try:
        return _json(content, "The request's body")
    except RequestError:
        # Looked for here alone, because every header that is looked for takes its time.
        _check_content_encoding(request.headers.get("content-encoding", "identity"))
        raise


def _check_content_type(content_type: str) -> None:
    media_type, _, rest = content_type.lower().partition(";")
    charset = rest.partition("charset=")[2].partition(";")[0].strip(' "')
    if media_type.strip() != "application/json" or charset not in {"", "utf-8", "utf8"}:
        raise RequestError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            "A POST must be declared as JSON in UTF-8: Content-Type: application/json.",
            headers={"accept": "application/json; charset=utf-8"},
        )


def _check_content_encoding(encoding: str) -> None:
    """A compressed body is not read: of a few bytes it could make any number."""
    if encoding.strip().lower() != "identity":
        raise RequestError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE, "A POST must not be compressed.", headers={"accept-encoding": "identity"}
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
