"""Tells people what an import did, or why it did nothing."""

from __future__ import annotations

from collections.abc import Iterator

from holdco.imports.zoho import Report

# What a person reads before mending the first of them.
ERRORS_SHOWN_MAX = 100


def errors(report: Report) -> Iterator[str]:
    """What is wrong, line by line, and how much more there is."""
    for error in report.errors[:ERRORS_SHOWN_MAX]:
        yield str(error)
    if report.error_count > ERRORS_SHOWN_MAX:
        yield f"… and {report.error_count - ERRORS_SHOWN_MAX:,} more."
    yield f"{_counted(report.error_count, 'error')}. Nothing was imported."


def result(report: Report) -> Iterator[str]:
    """What came in, and what was left out."""
    customers, openings, price_lists = report.customers, report.opening_balances, report.price_lists
    yield "This is what would be imported. Nothing was written." if report.is_dry_run else "Imported:"
    rows = (
        ("price list", price_lists.created, price_lists.skipped),
        ("item", price_lists.items, 0),
        ("price of an item", price_lists.rates, 0),
        ("customer", customers.created, customers.skipped),
        ("contact", customers.contacts, 0),
        ("link to a parent", customers.linked, 0),
        ("customer group", customers.groups_created, 0),
        ("group membership", customers.memberships, 0),
        ("invoice", report.invoices_created, report.invoices_skipped),
        ("invoice line", report.invoice_lines, 0),
        ("payment", report.payments_created, report.payments_skipped),
        ("allocation", report.allocations, 0),
        ("opening credit note", openings.credits, 0),
    )
    for noun, created, skipped in rows:
        if created or skipped:
            note = f"; {skipped:,} here already, left as they are" if skipped else ""
            yield f"  {_counted(created, noun)}{note}"
    if openings.debts:
        yield f"  of the invoices, {_counted(openings.debts, 'opening balance')}"
    for issued in report.issued:
        yield f"  issued in {issued.currency}: {issued.total}, of which {issued.balance} is left to pay"
    yield from report.notes
    for file, headings in report.columns_unread.items():
        yield f"{file}: not read, because there is no place for them here: {', '.join(headings)}."


def _counted(count: int, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    first, space, rest = noun.partition(" ")
    plural = f"{first}s {rest}" if first in {"link", "price"} and rest.startswith(("to ", "of ")) else f"{first}{space}{rest}s"
    return f"{count:,} {plural}"
