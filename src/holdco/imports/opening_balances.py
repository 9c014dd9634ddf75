"""What customers owed before their first invoice here, as documents: an invoice for a debt, a credit note for a credit (rule 9).

Both are called OB- and the customer's number, and dated today, because the file does not say since when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from holdco import ids, money
from holdco.activity import service as activity
from holdco.customers.errors import NumberTaken
from holdco.database import Transaction
from holdco.ids import Kind
from holdco.imports.contacts import NewCustomer
from holdco.imports.load_invoices import InvoiceLoader, OpeningBalance, opening_balance_number
from holdco.imports.problems import Problems
from holdco.imports.staging import ActivityLog

_REASON = "Opening balance"
_INSERT_CREDIT_NOTES = text(
    """
    insert into credit_notes
        (organization_id, id, number, customer_id, currency, credit_date, total, allocated, remaining, reason, created_at,
         version)
    select o.id, note.id, note.number, note.customer_id, note.currency, :today, note.total, 0, note.total, :reason, :now, 1
    from organizations o
    cross join unnest(cast(:ids as uuid[]), cast(:numbers as text[]), cast(:customer_ids as uuid[]),
                      cast(:currencies as text[]), cast(:totals as bigint[]))
               as note(id, number, customer_id, currency, total)
    where o.id = :organization_id
    returning 1
    """
)
_TAKEN = text(
    """
    select number from invoices where organization_id = :organization_id and number = any(cast(:numbers as text[]))
    union all
    select number from credit_notes where organization_id = :organization_id and number = any(cast(:numbers as text[]))
    """
)


@dataclass(slots=True)
class LoadedOpeningBalances:
    debts: int = 0
    credits: int = 0


async def load(
    transaction: Transaction,
    new: Mapping[UUID, NewCustomer],
    invoices: InvoiceLoader,
    log: ActivityLog,
    problems: Problems,
) -> LoadedOpeningBalances:
    """Gives the debts to the loader of invoices and writes the credits. Adds NUMBER_TAKEN to the problems."""
    openings = [
        OpeningBalance(
            customer_id=key,
            customer_external_id=customer.external_id,
            customer_number=customer.number or "",
            bill_to={
                "name": customer.name,
                "company_name": customer.fields["company_name"],
                "tax_id": customer.fields["tax_id"],
                "address": customer.fields["billing_address"],
            },
            currency=customer.fields["currency"],
            amount=customer.opening_balance,
            line=customer.line,
        )
        for key, customer in new.items()
        if customer.opening_balance
    ]
    if not openings:
        return LoadedOpeningBalances()
    lines = {opening_balance_number(opening.customer_number): opening.line for opening in openings}
    taken = await transaction.rows(_TAKEN, {"organization_id": transaction.organization_id, "numbers": list(lines)})
    for (number,) in taken:
        problems.refuse(lines[number], NumberTaken("a document", number), column="Outstanding Balance")
    if taken:
        return LoadedOpeningBalances()
    debts = [opening for opening in openings if opening.amount > 0]
    for opening in debts:
        invoices.add_opening_balance(opening)
    credits_ = [opening._replace(amount=-opening.amount) for opening in openings if opening.amount < 0]
    await _write_credits(transaction, credits_, log)
    return LoadedOpeningBalances(len(debts), len(credits_))


async def _write_credits(transaction: Transaction, credits_: Sequence[OpeningBalance], log: ActivityLog) -> None:
    if not credits_:
        return
    keys = [ids.new() for _ in credits_]
    await transaction.execute(
        _INSERT_CREDIT_NOTES,
        {
            "organization_id": transaction.organization_id,
            "today": transaction.today,
            "now": transaction.now,
            "reason": _REASON,
            "ids": keys,
            "numbers": [opening_balance_number(opening.customer_number) for opening in credits_],
            "customer_ids": [opening.customer_id for opening in credits_],
            "currencies": [opening.currency for opening in credits_],
            "totals": [opening.amount for opening in credits_],
        },
    )
    for key, opening in zip(keys, credits_, strict=True):
        log.add(
            activity.about(
                Kind.CREDIT_NOTE,
                key,
                "credit_note.opened",
                customer_id=opening.customer_id,
                number=opening_balance_number(opening.customer_number),
                amount=money.to_string(opening.amount, opening.currency),
                currency=opening.currency,
            )
        )
    await log.flush()
