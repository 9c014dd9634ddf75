"""Applies payments and credit notes to invoices: all of a request or nothing of it (domain.md A4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from holdco import ids
from holdco.database import Transaction
from holdco.errors import BadUserInput, NotFound, Refusal
from holdco.idempotency import service as idempotency
from holdco.idempotency.service import Answer
from holdco.ids import Kind
from holdco.payments import errors, ledger, planning, sources
from holdco.payments.candidates import SourceKind, Wish, World
from holdco.payments.planning import Decision


async def apply(
    transaction: Transaction,
    *,
    kind: SourceKind,
    source_id: UUID,
    wish: Wish,
    plan_hash: str | None,
    key: str,
    request: Mapping[str, Any],
) -> Answer:
    """Applies a payment or credit note as the wish says; with `plan_hash` exactly as the preview said.

    The answer holds what `outcome` puts into it. Raises, in this order: the refusals of the idempotency key; NotFound;
    PaymentReversed; the refusals of `planning.decide`; PlanStale.
    """
    # The order of locks is the same everywhere: tree, key, source, invoices (domain.md K2).
    await transaction.lock_shared()

    async def use_case() -> Mapping[str, Any]:
        if kind is SourceKind.PAYMENT:
            source = sources.of_payment(await sources.locked_payment(transaction, source_id, field=("sourceId",)))
        else:
            source = sources.of_credit_note(await sources.locked_credit_note(transaction, source_id, field=("sourceId",)))
        decision = await planning.decide(World.of(transaction), source, wish)
        if plan_hash is not None and plan_hash != decision.hash:
            raise errors.PlanStale
        allocation_ids = await ledger.apply(transaction, source, decision)
        await ledger.draw(transaction, source, decision.plan.allocated)
        return {"sourceId": ledger.source_id(kind, source_id), **outcome(decision, allocation_ids)}

    mutation = "paymentApply" if kind is SourceKind.PAYMENT else "creditNoteApply"
    return await idempotency.once(transaction, mutation=mutation, key=key, request=request, use_case=use_case)


def outcome(decision: Decision | None, allocation_ids: list[UUID]) -> dict[str, Any]:
    """What an answer remembers of an application: ids to load, and what no row tells."""
    if decision is None:
        return {"allocationIds": [], "allocated": 0, "skipped": [], "note": None}
    return {
        "allocationIds": [ids.encode(Kind.ALLOCATION, key) for key in allocation_ids],
        "allocated": decision.plan.allocated,
        "skipped": [ids.encode(Kind.CUSTOMER, key) for key in decision.skipped],
        "note": decision.plan.note.value if decision.plan.note is not None else None,
    }


_KINDS = {Kind.PAYMENT: SourceKind.PAYMENT, Kind.CREDIT_NOTE: SourceKind.CREDIT_NOTE}


def source_of(text: str, wanted: SourceKind | None = None) -> tuple[SourceKind, UUID]:
    """Which money an id names. Raises NotFound for what is no id, or the id of anything else than is wanted."""
    try:
        kind, key = ids.parse(text)
    except BadUserInput as problem:
        raise NotFound(str(problem), field=("sourceId",)) from None
    source = _KINDS.get(kind)
    if source is None or (wanted is not None and source is not wanted):
        needed = "payment (pay_…)" if wanted is SourceKind.PAYMENT else "credit note (crn_…)"
        needed = "payment (pay_…) or a credit note (crn_…)" if wanted is None else needed
        raise NotFound(f"{text} is the id of a {kind.noun}; that of a {needed} is needed.", field=("sourceId",))
    return source, key


def remembered(refusal: Refusal) -> dict[str, Any]:
    """A refusal as an answer remembers it."""
    return {"code": refusal.code.value, "message": str(refusal), "field": list(refusal.field) if refusal.field else None}
