"""Records money that came in, and applies it in the same transaction where that is asked for (domain.md A14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from holdco import ids, money
from holdco.activity import service as activity
from holdco.customers import queries as customers
from holdco.customers.errors import NumberTaken
from holdco.customers.queries import CustomerRow
from holdco.customers.service import not_found as customer_not_found
from holdco.database import Transaction, constraint_of
from holdco.errors import InvalidInput, Refusal, Refused
from holdco.idempotency import service as idempotency
from holdco.idempotency.service import Answer
from holdco.ids import Kind
from holdco.invoices.service import check_period
from holdco.organizations.numbering import Series, next_number
from holdco.payments import errors, ledger, planning
from holdco.payments.apply import outcome, remembered
from holdco.payments.candidates import Source, SourceKind, Wish, World
from holdco.payments.models import CreditNote, Payment, PaymentMode, PaymentStatus
from holdco.payments.planning import Decision
from holdco.payments.queries import CREDIT_NOTES, PAYMENTS
from holdco.validation import TEXT_LENGTH_MAX, currency_code, optional_text, required_text


class OnAllocationError(StrEnum):
    """What happens to money that cannot be applied as asked: nothing is recorded, or it is kept on its payer (A14, H9)."""

    REFUSE = "REFUSE"
    KEEP_UNAPPLIED = "KEEP_UNAPPLIED"


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What a client says of a payment; amounts in major units. What it leaves out comes from the payer or the calendar.

    `id` is for demo data whose ids examples name.
    """

    customer_id: UUID
    amount: Decimal
    mode: PaymentMode
    number: str | None = None
    currency: str | None = None
    received_on: date | None = None
    reference: str | None = None
    bank_charges: Decimal = Decimal(0)
    withholding_tax: Decimal = Decimal(0)
    notes: str | None = None
    source_system: str | None = None
    external_id: str | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewCreditNote:
    """As `NewPayment`, for credit."""

    customer_id: UUID
    total: Decimal
    number: str | None = None
    currency: str | None = None
    credit_date: date | None = None
    reason: str | None = None


async def record_payment(
    transaction: Transaction,
    new: NewPayment,
    *,
    wish: Wish | None,
    plan_on_error: OnAllocationError = OnAllocationError.REFUSE,
    key: str,
    request: Mapping[str, Any],
) -> Answer:
    """A payment, applied as the wish says. The answer holds paymentId, duplicateIds (K5), errors and `apply.outcome`.

    Raises, in this order: the refusals of the idempotency key; NotFound; InvalidInput for the currency or a date to come;
    PeriodLocked; InvalidInput, AmountNotPositive for the amount; InvalidInput for anything else; the refusals of
    `planning.decide`, unless they are to be kept; NumberTaken; ExternalPaymentTaken.
    """
    await transaction.lock_shared()

    async def use_case() -> Mapping[str, Any]:
        customer = await payer(transaction, new.customer_id)
        currency = currency_code(new.currency) if new.currency is not None else customer.currency
        received_on = _received_on(transaction, new.received_on, "receivedOn")
        amount = _positive(new.amount, currency, "amount")
        source = Source(SourceKind.PAYMENT, new.id or ids.new(), customer.id, currency, amount, received_on)
        columns = _payment_columns(new, currency)
        given_number = _number(new.number)
        decision, refusals = await _decision(transaction, source, wish, plan_on_error)
        allocated = decision.plan.allocated if decision is not None else 0
        duplicates = await _possible_duplicates(transaction, source, columns["reference"])
        number = given_number or await next_number(transaction, Series.PAYMENT, PAYMENTS.number)
        try:
            await transaction.execute(
                insert(Payment).values(
                    organization_id=transaction.organization_id,
                    id=source.id,
                    number=number,
                    customer_id=customer.id,
                    status=PaymentStatus.SUCCEEDED.value,
                    currency=currency,
                    amount=source.available,
                    allocated=allocated,
                    unapplied=source.available - allocated,
                    received_on=received_on,
                    unapplied_reason=refusals[0].code.value if refusals else None,
                    created_at=transaction.now,
                    version=1,
                    **columns,
                )
            )
        except IntegrityError as error:
            raise _taken(error, new, number) from None
        await _record(transaction, Kind.PAYMENT, source, "payment.recorded", number)
        allocation_ids = await ledger.apply(transaction, source, decision) if decision is not None else []
        return {
            "paymentId": ids.encode(Kind.PAYMENT, source.id),
            "duplicateIds": [ids.encode(Kind.PAYMENT, key) for key in duplicates],
            "errors": [remembered(refusal) for refusal in refusals],
            **outcome(decision, allocation_ids),
        }

    return await idempotency.once(transaction, mutation="paymentRecord", key=key, request=request, use_case=use_case)


async def create_credit_note(transaction: Transaction, new: NewCreditNote, *, key: str, request: Mapping[str, Any]) -> Answer:
    """An open credit note. The answer holds creditNoteId.

    Raises, in this order: the refusals of the idempotency key; NotFound; InvalidInput for the currency or a date to come;
    PeriodLocked; InvalidInput, AmountNotPositive for the total; InvalidInput for anything else; NumberTaken.
    """
    # Nobody deletes the customer or changes its currency meanwhile.
    await transaction.lock_shared()

    async def use_case() -> Mapping[str, Any]:
        customer = await payer(transaction, new.customer_id)
        currency = currency_code(new.currency) if new.currency is not None else customer.currency
        credit_date = _received_on(transaction, new.credit_date, "creditDate")
        total = _positive(new.total, currency, "total")
        reason = optional_text(new.reason, "reason", length_max=TEXT_LENGTH_MAX)
        source = Source(SourceKind.CREDIT_NOTE, ids.new(), customer.id, currency, total, credit_date)
        number = _number(new.number) or await next_number(transaction, Series.CREDIT_NOTE, CREDIT_NOTES.columns["number"])
        try:
            await transaction.execute(
                insert(CreditNote).values(
                    organization_id=transaction.organization_id,
                    id=source.id,
                    number=number,
                    customer_id=customer.id,
                    currency=currency,
                    credit_date=credit_date,
                    total=total,
                    allocated=0,
                    remaining=total,
                    reason=reason,
                    created_at=transaction.now,
                    version=1,
                )
            )
        except IntegrityError as error:
            if constraint_of(error) == "uq_credit_notes_number":
                raise NumberTaken("a credit note", number) from None
            raise
        await _record(transaction, Kind.CREDIT_NOTE, source, "credit_note.opened", number)
        return {"creditNoteId": ids.encode(Kind.CREDIT_NOTE, source.id)}

    return await idempotency.once(transaction, mutation="creditNoteCreate", key=key, request=request, use_case=use_case)


async def payer(transaction: Transaction, customer_id: UUID) -> CustomerRow:
    """Raises NotFound. Inactive customers pay too (domain.md D4)."""
    rows = await transaction.rows(customers.by_ids(transaction.organization_id, [customer_id]))
    if not rows:
        raise customer_not_found(customer_id, field=("customerId",))
    return CustomerRow(*rows[0][1:])


async def _decision(
    transaction: Transaction, source: Source, wish: Wish | None, plan_on_error: OnAllocationError
) -> tuple[Decision | None, tuple[Refusal, ...]]:
    """What is applied, or why nothing is although the money is kept. Nothing was written so far, so nothing is undone."""
    if wish is None:
        return None, ()
    try:
        return await planning.decide(World.of(transaction), source, wish), ()
    except (Refusal, Refused) as refused:
        refusals = refused.refusals if isinstance(refused, Refused) else (refused,)
        for refusal in refusals:
            # The options stand within the payment's input.
            refusal.field = ("apply", *refusal.field) if refusal.field is not None else ("apply",)
        if plan_on_error is OnAllocationError.REFUSE:
            raise
        return None, refusals


def _positive(amount: Decimal, currency: str, field: str) -> int:
    minor_units = planning.minor_units(amount, currency, (field,))
    if minor_units <= 0:
        raise errors.AmountNotPositive(field=(field,))
    return minor_units


def _received_on(transaction: Transaction, day: date | None, field: str) -> date:
    """Money comes today or came earlier, and not into a closed period (domain.md A13, T8)."""
    received_on = day or transaction.today
    if received_on > transaction.today:
        raise InvalidInput(f"{received_on} lies in the future; today is {transaction.today}.", field=(field,))
    check_period(transaction, received_on, field=(field,))
    return received_on


def _number(given: str | None) -> str | None:
    return required_text(given, "number") if given is not None else None


def _payment_columns(new: NewPayment, currency: str) -> dict[str, Any]:
    bank_charges = planning.minor_units(new.bank_charges, currency, ("bankCharges",))
    withholding_tax = planning.minor_units(new.withholding_tax, currency, ("withholdingTax",))
    for amount, field in ((bank_charges, "bankCharges"), (withholding_tax, "withholdingTax")):
        if amount < 0:
            raise InvalidInput(f"{field} cannot be negative.", field=(field,))
    system, external_id = optional_text(new.source_system, "sourceSystem"), optional_text(new.external_id, "externalId")
    if (system is None) != (external_id is None):
        raise InvalidInput("Give sourceSystem and externalId together.", field=("externalId",))
    return {
        "mode": new.mode.value,
        "reference": optional_text(new.reference, "reference"),
        "bank_charges": bank_charges,
        "withholding_tax": withholding_tax,
        "notes": optional_text(new.notes, "notes", length_max=TEXT_LENGTH_MAX),
        "source_system": system,
        "external_id": external_id,
    }


async def _possible_duplicates(transaction: Transaction, source: Source, reference: str | None) -> list[UUID]:
    """Standing payments of the same payer, amount, date and reference: a warning, no error (domain.md K5)."""
    if reference is None:
        return []
    rows = await transaction.rows(
        text(
            """
            select id from payments
            where organization_id = :organization_id and customer_id = :customer_id and received_on = :received_on
              and currency = :currency and amount = :amount and reference = :reference and status = 'SUCCEEDED'
            order by id limit 10
            """
        ),
        {
            "organization_id": transaction.organization_id,
            "customer_id": source.customer_id,
            "received_on": source.dated_on,
            "currency": source.currency,
            "amount": source.available,
            "reference": reference,
        },
    )
    return [row[0] for row in rows]


def _taken(error: IntegrityError, new: NewPayment, number: str) -> Exception:
    constraint = constraint_of(error)
    if constraint == "uq_payments_number":
        return NumberTaken("a payment", number)
    if constraint == "uq_payments_external_id":
        return errors.ExternalPaymentTaken(new.source_system or "", new.external_id or "")
    return error


async def _record(transaction: Transaction, kind: Kind, source: Source, action: str, number: str) -> None:
    amount = money.to_string(source.available, source.currency)
    await activity.record(
        transaction,
        [
            activity.about(
                kind, source.id, action, customer_id=source.customer_id, number=number, amount=amount, currency=source.currency
            )
        ],
    )
