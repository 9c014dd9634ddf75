"""`holdco token`: who may ask, for operators. There is no first administrator in a new database: this makes one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer

from holdco import database, ids, running
from holdco.database import Transaction
from holdco.errors import BadUserInput
from holdco.ids import Kind
from holdco.settings import Settings
from holdco.viewer import ClientUserRole, StaffRole

app = typer.Typer(
    help="Makes, lists and revokes access tokens, which every request shows: Authorization: Bearer …", no_args_is_help=True
)

ACTOR = "holdco token"
Result = TypeVar("Result")

_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command()
def create(
    role: Annotated[
        str,
        typer.Option(
            help="Of staff and services: ADMIN (everything), BILLING (invoices and money), SALES (customers, groups, contacts), "
            "READ_ONLY. Of a client user, with --customer: ADMIN (also its people), PAYER (also applies money), VIEWER."
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Whose it is, as changes are recorded: a person's or a service's name. Needed for staff.")
    ] = None,
    customer: Annotated[
        str | None, typer.Option(help="A customer's number or id: the token is a client user's, who belongs to this customer.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="Of the client user, who is made if there is none with this address.")] = None,
    expires_in: Annotated[
        str | None, typer.Option(help="When it ends: 30m, 12h or 90d from now. Else when it is revoked.")
    ] = None,
) -> None:
    """Makes a token and prints it, alone on standard output. It is shown this once: only its hash is kept.

    holdco token create --role ADMIN --name "Dana Brooks"

    holdco token create --role READ_ONLY --name "Nightly report" --expires-in 90d

    holdco token create --role PAYER --customer ALD-HQ --email margaret@aldgate.example
    """
    from holdco.access import service as access  # noqa: PLC0415 (other commands start without it)
    from holdco.authentication import issuing  # noqa: PLC0415

    expires_at = _end(expires_in)
    if customer is None:
        if email is not None:
            raise typer.BadParameter("A client user belongs to a customer: give --customer too.", param_hint="--email")
        if name is None:
            raise typer.BadParameter("Say whose token it is.", param_hint="--name")
        staff = _member(StaffRole, role, "Of a client user the token names its --customer.")

        async def make(transaction: Transaction) -> access.Issued:
            return await access.create(transaction, name=name, role=staff, expires_at=expires_at)

    else:
        if email is None:
            raise typer.BadParameter("Say who the client user is.", param_hint="--email")
        own = _member(ClientUserRole, role, "Roles of staff have no --customer.")

        async def make(transaction: Transaction) -> access.Issued:
            return await issuing.for_client_user(
                transaction, customer=customer, role=own, email=email, name=name, expires_at=expires_at
            )

    issued = _run(make)
    typer.echo(f"Token {ids.encode(Kind.ACCESS_TOKEN, issued.id)}, shown this once:", err=True)
    typer.echo(issued.text)


@app.command("list")
def list_tokens() -> None:
    """Lists the tokens of the organization, the newest first, without their secrets."""
    from holdco.authentication import issuing  # noqa: PLC0415 (other commands start without it)

    rows = _run(issuing.listed)
    now = datetime.now(UTC)
    for row in rows:
        state = "revoked" if row.revoked_at else "expired" if row.expires_at and row.expires_at <= now else "good"
        holder = row.role if row.client_user_id is None else f"client user {ids.encode(Kind.CLIENT_USER, row.client_user_id)}"
        ends = f"ends {row.expires_at:%Y-%m-%d %H:%M}Z" if row.expires_at else "no end"
        used = f"used {row.last_used_at:%Y-%m-%d %H:%M}Z" if row.last_used_at else "never used"
        typer.echo(f"{ids.encode(Kind.ACCESS_TOKEN, row.id)}  {state}  {holder}  {row.name}  {ends}  {used}")
    if not rows:
        typer.echo("There are no tokens. Make one: holdco token create --role ADMIN --name …", err=True)


@app.command()
def revoke(token: Annotated[str, typer.Argument(help="The id of the token, tok_…, as `holdco token list` shows it.")]) -> None:
    """Revokes a token at once, in every server: what is open with it is ended. Twice changes nothing."""
    from holdco.access import service as access  # noqa: PLC0415 (other commands start without it)

    try:
        token_id = ids.decode(Kind.ACCESS_TOKEN, token)
    except BadUserInput:
        # What was given may be the token itself, which belongs into no log.
        raise typer.BadParameter("Give the token's id, tok_…, not the token.", param_hint="TOKEN") from None

    async def end(transaction: Transaction) -> None:
        await access.revoke(transaction, token_id)

    _run(end)
    typer.echo(f"{token} is revoked.")


def _run(use_case: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """In one transaction for the organization of the settings."""

    async def run(settings: Settings) -> Result:
        await running.check_schema(settings)
        await running.check_organization(settings)
        async with (
            running.engine_of(settings) as engine,
            database.begin(engine, organization_id=settings.organization_id, actor=ACTOR) as transaction,
        ):
            return await use_case(transaction)

    with running.database(Settings.from_environment()) as settings:
        return asyncio.run(run(settings))


Role = TypeVar("Role", StaffRole, ClientUserRole)


def _member(kind: type[Role], text: str, otherwise: str) -> Role:
    try:
        return kind(text.upper())
    except ValueError:
        raise typer.BadParameter(f"{text} is not one of {', '.join(kind)}. {otherwise}", param_hint="--role") from None


def _end(span: str | None) -> datetime | None:
    if span is None:
        return None
    found = _SPAN.fullmatch(span)
    if found is None:
        raise typer.BadParameter(f"{span} is not a time like 30m, 12h or 90d.", param_hint="--expires-in")
    return datetime.now(UTC) + timedelta(**{_UNITS[found[2]]: int(found[1])})
