"""Every code that the endpoint itself answers with, and the line between what clients see and what the log sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from holdco.errors import HoldcoError, Outage, Unauthenticated

log = structlog.get_logger(__name__)


class ErrorCode(Enum):
    """Code, HTTP status, and when. Errors of the business rules bring their own codes (`holdco.errors`)."""

    BAD_REQUEST = 400, "The body or the URL is not a GraphQL request."
    UNAUTHENTICATED = 401, "No valid token was shown: `Authorization: Bearer …`. It is never told what is wrong with one."
    FORBIDDEN = 403, "Who asks may not do this."
    INVITATION_NOT_VALID = 403, "What was shown is no invitation that can be accepted. It is never told what is wrong with one."
    IDENTITY_TAKEN = 409, "Who accepts an invitation is another client user already, by the provider's subject."
    METHOD_NOT_ALLOWED = 405, "Another method than GET, HEAD, POST or OPTIONS, or GET for something that is not a query."
    NOT_ACCEPTABLE = 406, "The Accept header leaves no media type that is served here."
    PAYLOAD_TOO_LARGE = 413, "The body has more bytes than are read."
    UNSUPPORTED_MEDIA_TYPE = 415, "The body is not declared as application/json in UTF-8."
    GRAPHQL_PARSE_FAILED = 400, "The document is not GraphQL."
    GRAPHQL_VALIDATION_FAILED = 400, "The document does not fit the schema."
    DOCUMENT_TOO_LARGE = 400, "The document has more characters, tokens, definitions, arguments or fields than are served."
    DEPTH_EXCEEDED = 400, "The document has more levels of fields inside fields than are served."
    ALIASES_EXCEEDED = 400, "The document has more aliases than are served."
    DIRECTIVES_EXCEEDED = 400, "The document has more directives than are served."
    ROOT_FIELDS_EXCEEDED = 400, "An operation has more fields at its root than are served."
    REPETITIONS_EXCEEDED = 400, "The document repeats more fields beside one another than are served."
    LIST_TOO_LARGE = 400, "The lists of the document or of the variables have more items than are served."
    COST_EXCEEDED = 400, "The answer may have more objects than are served."
    INTROSPECTION_OFF = 400, "The document asks what the schema is, and that is not told here."
    OPERATION_RESOLUTION_FAILURE = 400, "The document has no operation of the asked name, or several and none was named."
    # 200 in every media type, as Apollo Server answers: its clients read this as a question, not as a failure, and the one for
    # iOS gives up at any other status before it would send the text. GraphQL over HTTP says that an answer without data in
    # application/graphql-response+json has another status; its appendix "Persisted Documents" names none for this one.
    PERSISTED_QUERY_NOT_FOUND = 200, "The hash or id is not known here: send the text as well."
    PERSISTED_QUERY_NOT_SUPPORTED = 200, "This server takes texts only: send the text, and no hash or id."
    PERSISTED_QUERY_HASH_MISMATCH = 400, "The hash or id is not that of the text beside it."
    DOCUMENT_NOT_TRUSTED = 403, "This server executes trusted documents only, and this is not one of them."
    CROSS_SITE_REQUEST = 403, "A GET that another site may have made a browser send (see `cross_site`)."
    HOST_NOT_SERVED = 421, "The Host header has a name that this server does not answer to (see `hosts`)."
    BAD_USER_INPUT = 400, "A variable or an argument has a value that its type does not take."
    INTERNAL_ERROR = 500, "A defect on our side."
    THROTTLED = (
        503,
        "Too much is under way, here or on a socket; or, as 429, you ask too often. Try again after Retry-After.",
    )
    EXECUTION_TIMEOUT = 504, "The operation took too long and was ended. For a mutation the message says whether it was undone."
    STATEMENT_TIMEOUT = 504, "One SQL statement took too long, or waited too long for a lock, and was ended."
    SERVICE_UNAVAILABLE = 503, "The database cannot be reached at the moment. Try again after Retry-After."

    def __init__(self, status: int, meaning: str) -> None:
        self.status = status
        self.meaning = meaning

    def status_for(self, media_type: str) -> int:
        """Clients of application/json get 200 for what is said in GraphQL's own terms (see the package)."""
        return 200 if media_type == "application/json" and self in _SAID_IN_GRAPHQL else self.status


_SAID_IN_GRAPHQL = frozenset(
    {
        ErrorCode.GRAPHQL_PARSE_FAILED,
        ErrorCode.GRAPHQL_VALIDATION_FAILED,
        ErrorCode.DOCUMENT_TOO_LARGE,
        ErrorCode.DEPTH_EXCEEDED,
        ErrorCode.ALIASES_EXCEEDED,
        ErrorCode.DIRECTIVES_EXCEEDED,
        ErrorCode.ROOT_FIELDS_EXCEEDED,
        ErrorCode.REPETITIONS_EXCEEDED,
        ErrorCode.LIST_TOO_LARGE,
        ErrorCode.COST_EXCEEDED,
        ErrorCode.INTROSPECTION_OFF,
        ErrorCode.OPERATION_RESOLUTION_FAILURE,
        ErrorCode.BAD_USER_INPUT,
    }
)


class RequestError(Exception):
    """A request that is not executed: nothing was read or written for it."""

    def __init__(
        self,
        code: ErrorCode,
        *errors: str | GraphQLError,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        """`extensions` are of each error, beside its code: what programs would else have to read out of a sentence. `status` is
        another one than the code's own.
        """
        super().__init__(*errors)
        self.code = code
        self.headers = headers or {}
        self.extensions = extensions or {}
        self._status = status

    def status_for(self, media_type: str) -> int:
        return self._status or self.code.status_for(media_type)

    def presented(self) -> list[dict[str, Any]]:
        extensions = {"code": self.code.name, **self.extensions}
        return [
            (_formatted(error, self.code.name) if isinstance(error, GraphQLError) else {"message": error})
            | {"extensions": extensions}
            for error in self.args
        ]


def presented(errors: Iterable[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """The errors of an executed operation as clients may read them; what is hidden from them is logged here, once each."""
    shown: list[dict[str, Any]] = []
    logged: set[int] = set()
    for error in errors:
        cause = _cause(error)
        code = _code(error, cause)
        if code is not None:
            shown.append(_formatted(error, code))
            continue
        # One failed batch fails every field that waited for it with the same exception.
        if id(cause) not in logged:
            logged.add(id(cause))
            log.error("field failed", path=error.path, exc_info=cause)
        shown.append(_formatted(error, ErrorCode.INTERNAL_ERROR.name) | masked(request_id))
    return shown


def masked(request_id: str) -> dict[str, Any]:
    """What clients read of a defect. The log has the traceback under the same request id."""
    return {
        "message": f"Something went wrong on our side. Quote request id {request_id} when you report it.",
        "extensions": {"code": ErrorCode.INTERNAL_ERROR.name, "requestId": request_id},
    }


def code_of(error: GraphQLError) -> str:
    return _code(error, _cause(error)) or ErrorCode.INTERNAL_ERROR.name


def outage_in(errors: Iterable[GraphQLError]) -> Outage | None:
    return next((cause for error in errors if isinstance(cause := _cause(error), Outage)), None)


def is_unauthenticated(errors: Iterable[GraphQLError]) -> bool:
    """Whether an operation found that who asks may not ask any more."""
    return any(isinstance(_cause(error), Unauthenticated) for error in errors)


def _cause(error: GraphQLError) -> Exception:
    """The exception that was raised first: graphql-core wraps it, sometimes twice."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _code(error: GraphQLError, cause: Exception) -> str | None:
    """None for a defect."""
    if isinstance(cause, HoldcoError):
        return None if cause.code == ErrorCode.INTERNAL_ERROR.name else str(cause.code)
    if isinstance(code := (error.extensions or {}).get("code"), str):
        return code
    # Strawberry converts what graphql-core has let through: a null in a field that may only be left out.
    if isinstance(cause, StrawberryInputCoercionError):
        return ErrorCode.BAD_USER_INPUT.name
    # Coercion of variables happens before there is a field, and graphql-core points into the document when it finds
    # an argument wanting. A GraphQLError that does neither comes from a result that does not fit its own type.
    if error.path is None or (isinstance(cause, GraphQLError) and cause.nodes):
        return ErrorCode.BAD_USER_INPUT.name
    return None


def _formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": error.message}
    if error.locations:
        shown["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    shown["extensions"] = {"code": code}
    return shown
