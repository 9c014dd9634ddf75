"""Lets in who has only an invitation: `POST /invitations/accept` with `{"invitation": "hci_…"}`, in application/json.

| shown besides                           | answer, 200                                                              |
| --------------------------------------- | ------------------------------------------------------------------------ |
| nothing                                 | `{"token": "holdco_at_…", "clientUser": {"id", "name", "email"}}`        |
| `Authorization: Bearer …` of a provider | `{"clientUser": …}`: from now on the provider's tokens let this one in   |

Not a mutation: whoever asks for one is somebody already. A form of another site cannot send JSON, and nothing here goes by what
a browser keeps. The token is told once; whoever loses the answer is invited again (`clientUserReinvite`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uuid_utils import uuid7

from holdco import database, ids
from holdco.access import service as access
from holdco.authentication.authenticator import Authenticator, token_in
from holdco.authentication.denials import Denied, Reason
from holdco.authentication.oidc import Newcomer, OpenIdProvider
from holdco.client_users import invitations
from holdco.client_users import service as client_users
from holdco.client_users.errors import IdentityTaken, InvitationNotValid
from holdco.client_users.invitations import Presented
from holdco.endpoint.authentication import address_of
from holdco.endpoint.errors import ErrorCode, RequestError, masked
from holdco.endpoint.negotiation import JSON
from holdco.endpoint.parameters import read_json
from holdco.endpoint.response import JSONResponse, encode
from holdco.ids import Kind
from holdco.monitoring import metrics

log = structlog.get_logger(__name__)

# Then whoever still needs to get in is invited again, or has been given another token.
TOKEN_LIFETIME: Final = timedelta(days=90)
BODY_BYTES_MAX: Final = 4_096
# Until the client user is known, who is the actor.
_ACTOR: Final = "invitation"


def _not_valid() -> RequestError:
    return RequestError(ErrorCode.INVITATION_NOT_VALID, str(InvitationNotValid()))


class Accepting:
    """An ASGI application for a Starlette `Route`. `engine` is that of operations."""

    def __init__(self, engine: AsyncEngine, authenticator: Authenticator, provider: OpenIdProvider | None) -> None:
        self._engine = engine
        self._authenticator = authenticator
        self._provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request_id = uuid7().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = await self._respond(request, request_id)
        response.raw_headers.append((b"x-request-id", request_id.encode()))
        await response(scope, receive, send)

    async def _respond(self, request: Request, request_id: str) -> Response:
        try:
            return JSONResponse(encode(await self._answer(request)), 200, JSON)
        except RequestError as refusal:
            metrics.REFUSALS.labels(refusal.code.name).inc()
            response = JSONResponse(encode({"errors": refusal.presented()}), refusal.status_for(JSON), JSON)
            response.headers.update(refusal.headers)
            return response
        except Exception:
            log.exception("accepting an invitation failed")
            return JSONResponse(encode({"errors": [masked(request_id)]}), ErrorCode.INTERNAL_ERROR.status, JSON)

    async def _answer(self, request: Request) -> dict[str, Any]:
        """RequestError, in this order: METHOD_NOT_ALLOWED; those of `read_json`; THROTTLED; of a token UNAUTHENTICATED and
        FORBIDDEN; INVITATION_NOT_VALID; IDENTITY_TAKEN. SERVICE_UNAVAILABLE at any time.
        """
        if request.method != "POST":
            raise RequestError(ErrorCode.METHOD_NOT_ALLOWED, "Accept an invitation by POST.", headers={"allow": "POST"})
        body = await read_json(request, body_bytes_max=BODY_BYTES_MAX)
        shown = body.get("invitation") if isinstance(body, dict) else None
        if not isinstance(shown, str):
            raise RequestError(ErrorCode.BAD_REQUEST, 'The request\'s body must be a JSON object: {"invitation": "hci_…"}.')
        address = address_of(request)
        newcomer = await self._newcomer(request.headers.get("authorization"), address)
        async with self._authenticator.guarded(address, refusal=_not_valid):
            try:
                return await self._accepted(invitations.read(shown), newcomer)
            except InvitationNotValid:
                raise Denied(Reason.INVITATION) from None
            except IdentityTaken as taken:
                raise RequestError(ErrorCode.IDENTITY_TAKEN, str(taken)) from None

    async def _newcomer(self, authorization: str | None, address: str) -> Newcomer | None:
        if authorization is None:
            return None
        async with self._authenticator.guarded(address):
            token = token_in(authorization)
            if self._provider is None:
                raise Denied(Reason.MALFORMED)
            newcomer = await self._provider.newcomer(token)
        if newcomer.is_staff:
            # Its tokens would go on to say that it is staff, and the invitation would be used up for nothing.
            raise RequestError(ErrorCode.FORBIDDEN, "Staff accepts no invitation: it is let in already.")
        return newcomer

    async def _accepted(self, presented: Presented, newcomer: Newcomer | None) -> dict[str, Any]:
        """Raises InvitationNotValid, IdentityTaken, Outage. Of two at once the second waits, and finds it used."""
        if newcomer is not None and newcomer.organization_id != presented.organization_id:
            raise InvitationNotValid
        identity = client_users.Identity(newcomer.issuer, newcomer.subject) if newcomer is not None else None
        answer: dict[str, Any] = {}
        try:
            async with database.begin(self._engine, organization_id=presented.organization_id, actor=_ACTOR) as transaction:
                user = await client_users.accept(transaction, presented, identity=identity)
                if identity is None:
                    expires_at = transaction.now + TOKEN_LIFETIME
                    issued = await access.create(transaction, name=user.name, client_user_id=user.id, expires_at=expires_at)
                    answer["token"] = issued.text
        except NoResultFound:
            # There is no such organization.
            raise InvitationNotValid from None
        answer["clientUser"] = {"id": ids.encode(Kind.CLIENT_USER, user.id), "name": user.name, "email": user.email}
        return answer
