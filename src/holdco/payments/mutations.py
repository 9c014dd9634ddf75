"""What clients may do with money, and the preview of it. Here inputs are read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

from holdco import ids, money
from holdco.connections import Info, UserError, attempt, input_id
from holdco.customers.loaders import CustomerById
from holdco.errors import UserErrorCode
from holdco.execution.fields import whole
from holdco.ids import Kind
from holdco.invoices.loaders import InvoiceById
from holdco.organizations.loaders import OrganizationById, today
from holdco.payments import apply, loaders, planning, record, reverse, sources
from holdco.payments.allocation import PlanNote
from holdco.payments.candidates import Source, SourceKind, World
from holdco.payments.graph import AllocationPlanLine
from holdco.payments.inputs import (
    AllocationInput,
    AllocationReverseInput,
    CreditNoteApplyInput,
    CreditNoteCreateInput,
    InvoiceVoidInput,
    PaymentApplyInput,
    PaymentRecordInput,
    PaymentReverseInput,
    request_of,
)
from holdco.payments.payloads import (
    AllocationPayload,
    AllocationPlan,
    CreditNotePayload,
    InvoiceVoidPayload,
    PaymentPayload,
    SkippedCustomer,
    load_all,
)
from holdco.payments.planning import Decision
from holdco.payments.queries import CreditNoteRow, PaymentRow
from holdco.payments.record import NewCreditNote, NewPayment
from holdco.scalars import CurrencyCode


async def _skipped(info: Info, customer_ids: Sequence[str]) -> list[SkippedCustomer]:
    customers = await load_all(info, CustomerById, Kind.CUSTOMER, customer_ids)
    return [SkippedCustomer(code=UserErrorCode.PARENT_PAY_NOT_ALLOWED, customer=customer) for customer in customers]


def _note(answer: Any) -> PlanNote | None:
    return PlanNote(answer["note"]) if answer.get("note") else None


async def _source(info: Info, text: str) -> Any:
    kind, key = ids.parse(text)
    if kind is Kind.PAYMENT:
        return await info.context.show(loaders.PaymentById, key)
    return await info.context.show(loaders.CreditNoteById, key)


async def _allocation_payload(info: Info, answer: Any, *, is_replayed: bool) -> AllocationPayload:
    return AllocationPayload(
        source=await _source(info, answer["sourceId"]),
        allocation_ids=answer["allocationIds"],
        skipped=await _skipped(info, answer.get("skipped", ())),
        note=_note(answer),
        replayed=is_replayed,
    )


async def _apply(info: Info, given: PaymentApplyInput, wanted: SourceKind) -> AllocationPayload:
    kind, source_id = apply.source_of(given.source_id, wanted)
    wish = given.wish()
    async with info.context.transaction() as transaction:
        answer = await apply.apply(
            transaction,
            kind=kind,
            source_id=source_id,
            wish=wish,
            plan_hash=given.plan_hash,
            key=given.idempotency_key,
            request=request_of(given),
        )
    return await _allocation_payload(info, answer.value, is_replayed=answer.is_replayed)


async def _preview_source(info: Info, text: str) -> Source:
    kind, key = apply.source_of(text)
    if kind is SourceKind.PAYMENT:
        payment = await info.context.load(loaders.PaymentById, key)
        if payment is None:
            raise sources.payment_not_found(key, field=("sourceId",))
        return sources.of_payment(payment)
    note = await info.context.load(loaders.CreditNoteById, key)
    if note is None:
        raise sources.credit_note_not_found(key, field=("sourceId",))
    return sources.of_credit_note(note)


async def _plan(info: Info, source: Source, decision: Decision) -> AllocationPlan:
    currency = source.currency
    lines = decision.plan.lines
    return AllocationPlan(
        lines=[
            AllocationPlanLine(
                invoice_id=line.invoice_id,
                amount=money.to_decimal(line.amount, currency),
                balance_after=money.to_decimal(decision.invoices[line.invoice_id].balance - line.amount, currency),
            )
            for line in lines
        ],
        currency=CurrencyCode(currency),
        allocated=money.to_decimal(decision.plan.allocated, currency),
        unapplied=money.to_decimal(decision.plan.unapplied, currency),
        skipped=await _skipped(info, [ids.encode(Kind.CUSTOMER, key) for key in decision.skipped]),
        note=decision.plan.note,
        plan_hash=decision.hash,
    )


@strawberry.type
class AllocationQueries:
    @strawberry.field(
        description="What paymentApply would do with this input, and why; its planHash makes paymentApply do exactly that.",
        metadata=whole(PaymentRow, CreditNoteRow),
    )
    async def allocation_preview(self, info: Info, input: AllocationInput) -> AllocationPlan:  # noqa: A002
        async def use_case() -> AllocationPlan:
            context = info.context
            organization = await context.load(OrganizationById, context.organization_id)
            source = await _preview_source(info, input.source_id)
            world = World(
                rows=context.reader.rows,
                organization_id=context.organization_id,
                today=await today(context),
                locked_until=organization.locked_until if organization is not None else None,
            )
            return await _plan(info, source, await planning.decide(world, source, input.wish()))

        return await attempt(AllocationPlan, use_case)


@strawberry.type
class PaymentMutations:
    @strawberry.mutation(description="Money came in. With apply it is applied in the same transaction, or nothing is recorded.")
    async def payment_record(self, info: Info, input: PaymentRecordInput) -> PaymentPayload:  # noqa: A002
        async def use_case() -> PaymentPayload:
            new = NewPayment(
                customer_id=input_id(Kind.CUSTOMER, input.customer_id, "customerId"),
                amount=input.amount,
                mode=input.mode,
                number=input.number,
                currency=input.currency,
                received_on=input.received_on,
                reference=input.reference,
                bank_charges=input.bank_charges,
                withholding_tax=input.withholding_tax,
                notes=input.notes,
                source_system=input.source_system,
                external_id=input.external_id,
            )
            async with info.context.transaction() as transaction:
                answer = await record.record_payment(
                    transaction,
                    new,
                    wish=input.apply.wish() if input.apply is not None else None,
                    plan_on_error=input.on_allocation_error,
                    key=input.idempotency_key,
                    request=request_of(input),
                )
            value = answer.value
            return PaymentPayload(
                payment=await _source(info, value["paymentId"]),
                allocation_ids=value["allocationIds"],
                skipped=await _skipped(info, value["skipped"]),
                note=_note(value),
                allocation_errors=[
                    UserError(code=UserErrorCode(error["code"]), message=error["message"], field=error["field"])
                    for error in value["errors"]
                ],
                possible_duplicates=await load_all(info, loaders.PaymentById, Kind.PAYMENT, value["duplicateIds"]),
                replayed=answer.is_replayed,
            )

        return await attempt(PaymentPayload, use_case)

    @strawberry.mutation(description="Applies a payment to open invoices of its payer and of those below it.")
    async def payment_apply(self, info: Info, input: PaymentApplyInput) -> AllocationPayload:  # noqa: A002
        return await attempt(AllocationPayload, lambda: _apply(info, input, SourceKind.PAYMENT))

    @strawberry.mutation
    async def credit_note_create(self, info: Info, input: CreditNoteCreateInput) -> CreditNotePayload:  # noqa: A002
        async def use_case() -> CreditNotePayload:
            new = NewCreditNote(
                customer_id=input_id(Kind.CUSTOMER, input.customer_id, "customerId"),
                total=input.total,
                number=input.number,
                currency=input.currency,
                credit_date=input.credit_date,
                reason=input.reason,
            )
            async with info.context.transaction() as transaction:
                answer = await record.create_credit_note(transaction, new, key=input.idempotency_key, request=request_of(input))
            return CreditNotePayload(credit_note=await _source(info, answer.value["creditNoteId"]), replayed=answer.is_replayed)

        return await attempt(CreditNotePayload, use_case)

    @strawberry.mutation(description="Applies a credit note to open invoices of its owner and of those below it.")
    async def credit_note_apply(self, info: Info, input: CreditNoteApplyInput) -> AllocationPayload:  # noqa: A002
        return await attempt(AllocationPayload, lambda: _apply(info, input, SourceKind.CREDIT_NOTE))

    @strawberry.mutation(description="Takes an allocation back; the money returns to its payer.")
    async def allocation_reverse(self, info: Info, input: AllocationReverseInput) -> AllocationPayload:  # noqa: A002
        async def use_case() -> AllocationPayload:
            allocation_id = input_id(Kind.ALLOCATION, input.id, "id")
            async with info.context.transaction() as transaction:
                answer = await reverse.reverse_allocation(
                    transaction,
                    allocation_id,
                    reversed_on=input.reversed_on,
                    reason=input.reason,
                    key=input.idempotency_key,
                    request=request_of(input),
                )
            return await _allocation_payload(info, answer.value, is_replayed=answer.is_replayed)

        return await attempt(AllocationPayload, use_case)

    @strawberry.mutation(description="The payment bounced: all of its allocations are taken back.")
    async def payment_reverse(self, info: Info, input: PaymentReverseInput) -> PaymentPayload:  # noqa: A002
        async def use_case() -> PaymentPayload:
            payment_id = input_id(Kind.PAYMENT, input.id, "id")
            async with info.context.transaction() as transaction:
                answer = await reverse.reverse_payment(
                    transaction,
                    payment_id,
                    reversed_on=input.reversed_on,
                    reason=input.reason,
                    key=input.idempotency_key,
                    request=request_of(input),
                )
            return PaymentPayload(
                payment=await info.context.show(loaders.PaymentById, payment_id),
                allocation_ids=answer.value["allocationIds"],
                replayed=answer.is_replayed,
            )

        return await attempt(PaymentPayload, use_case)

    @strawberry.mutation(description="Cancels an issued invoice. Refused while anything is applied, unless that is released.")
    async def invoice_void(self, info: Info, input: InvoiceVoidInput) -> InvoiceVoidPayload:  # noqa: A002
        async def use_case() -> InvoiceVoidPayload:
            invoice_id = input_id(Kind.INVOICE, input.id, "id")
            async with info.context.transaction() as transaction:
                answer = await reverse.void_invoice(
                    transaction,
                    invoice_id,
                    reason=input.reason,
                    is_releasing=input.release_allocations,
                    version=input.version,
                    key=input.idempotency_key,
                    request=request_of(input),
                )
            return InvoiceVoidPayload(
                invoice=await info.context.show(InvoiceById, invoice_id),
                allocation_ids=answer.value["allocationIds"],
                replayed=answer.is_replayed,
            )

        return await attempt(InvoiceVoidPayload, use_case)
