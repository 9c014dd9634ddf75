"""Runs a keyed request once, however often it is sent (domain.md K4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text, update

from holdco import ids
from holdco.database import Transaction
from holdco.errors import InvalidInput, Refusal, UserErrorCode
from holdco.idempotency.models import IdempotencyRecord
from holdco.ids import Kind

KEY_LENGTH_MAX = 255


class IdempotencyKeyReused(Refusal):
    code = UserErrorCode.IDEMPOTENCY_KEY_REUSED

    def __init__(self) -> None:
        super().__init__(
            "This idempotency key was used for another request. Take a new key for every new request.", field=("idempotencyKey",)
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the request answered, as JSON, and whether it was answered before."""

    value: Mapping[str, Any]
    is_replayed: bool


def request_hash(request: Mapping[str, Any]) -> bytes:
    """Of the input's canonical form: names sorted, and 80.0 is 80.00."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=_canonical).encode("ascii")).digest()


def _canonical(value: object) -> str:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


async def once(
    transaction: Transaction,
    *,
    mutation: str,
    key: str,
    request: Mapping[str, Any],
    use_case: Callable[[], Awaitable[Mapping[str, Any]]],
) -> Answer:
    """Runs `use_case` and remembers its answer in the same transaction, or gives the answer that it gave before.

    A second request with the same key waits here until the first has committed or failed. What is refused leaves no record:
    nothing has happened, and the key is free. Raises InvalidInput for a key that is none; IdempotencyKeyReused.
    """
    if not key.strip() or len(key) > KEY_LENGTH_MAX or not key.isprintable():
        raise InvalidInput(f"An idempotency key has 1 to {KEY_LENGTH_MAX} printable characters.", field=("idempotencyKey",))
    client_user_id = transaction.client_user_id
    identity = {
        "organization_id": transaction.organization_id,
        # Not by its name, which a client user chooses: it would be told what somebody of the same name was told.
        "actor": transaction.actor if client_user_id is None else ids.encode(Kind.CLIENT_USER, client_user_id),
        "mutation": mutation,
        "key": key,
    }
    hashed = request_hash(request)
    # The second one waits at the unique index, so it holds no lock that the first might need.
    made = await transaction.rows(
        text(
            """
            insert into idempotency_records (organization_id, actor, mutation, key, request_hash, answer, created_at)
            values (:organization_id, :actor, :mutation, :key, :request_hash, null, :created_at)
            on conflict (organization_id, actor, mutation, key) do nothing
            returning key
            """
        ),
        {**identity, "request_hash": hashed, "created_at": transaction.now},
    )
    record = IdempotencyRecord.__table__.c
    mine = [record[name] == value for name, value in identity.items()]
    if not made:
        found = (await transaction.rows(select(record.request_hash, record.answer).where(*mine)))[0]
        if found[0] != hashed:
            raise IdempotencyKeyReused
        return Answer(found[1], is_replayed=True)
    answer = await use_case()
    await transaction.execute(update(IdempotencyRecord).where(*mine).values(answer=dict(answer)))
    return Answer(answer, is_replayed=False)
