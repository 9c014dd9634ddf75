"""Each kind of corruption, made behind Holdco's back, is found, and nothing else is (domain.md K1, 2.14)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directly import directly
from holdco.database import create_engine
from holdco.migrations.metadata import metadata
from holdco.organizations.service import ensure
from holdco.verification.service import Report, verify
from verification.accounts import Accounts, keep

Found = tuple[str, str, str, str, str]

_CONSTRAINTS = text(
    """
    select cast(conrelid as regclass), conname from pg_constraint
    where contype in ('c', 'f', 'u') and connamespace = cast('public' as regnamespace)
    order by contype = 'u'
    """
)


async def _loosen(engine: AsyncEngine) -> None:
    """Takes away what the database itself would refuse, so that anything can be corrupted."""
    async with directly(engine) as connection:
        for table, constraint in (await connection.execute(_CONSTRAINTS)).all():
            await connection.execute(text(f'alter table {table} drop constraint "{constraint}"'))
        for index in ("uq_parent_links_open", "uq_terms_customer"):
            await connection.execute(text(f"drop index {index}"))
        # Rows are copied from one organization to another.
        for table in metadata.tables:
            await connection.execute(text(f"alter table {table} no force row level security"))


@pytest.fixture(scope="module")
async def kept(clone: Callable[[], Any]) -> AsyncIterator[Accounts]:
    """The accounts, clean, in a database without constraints."""
    async with clone() as url:
        engine = create_engine(url, pool_size=2)
        organization_id = uuid4()
        await ensure(engine, organization_id)
        accounts = await keep(engine, organization_id)
        await _loosen(engine)
        yield accounts
        await engine.dispose()


@pytest.fixture
async def accounts(kept: Accounts) -> Accounts:
    return await kept.copy()


def found_by(report: Report, accounts: Accounts) -> list[Found]:
    """Check, row by its name, figure, found, expected; sorted. Keys inside texts are named as well."""
    names = {key: name for name, key in accounts.names.items()}

    def named(shown: str) -> str:
        return " ".join(names.get(word, word) for word in shown.split(" "))

    return sorted(
        (problem.check.name, named(finding.id), named(finding.figure), named(finding.found), named(finding.expected))
        for problem in report.problems
        for finding in problem.findings
    )


MONEY: dict[str, tuple[str, list[Found]]] = {
    "a balance": (
        "update invoices set balance = 13600 where {mine} and id = :berlin_invoice",
        [("invoice-amounts", "berlin_invoice", "balance", "136.00 USD", "135.00 USD")],
    ),
    "what was paid, and the balance with it": (
        "update invoices set amount_paid = 9000, balance = 14500 where {mine} and id = :berlin_invoice",
        [
            ("invoice-amounts", "berlin_invoice", "amountPaid", "90.00 USD", "100.00 USD"),
            ("invoice-amounts", "berlin_invoice", "balance", "145.00 USD", "135.00 USD"),
        ],
    ),
    "the balance of an invoice without allocations, in a currency of three places": (
        "update invoices set balance = 1 where {mine} and id = :dinar_invoice",
        [("invoice-amounts", "dinar_invoice", "balance", "0.001 KWD", "1.234 KWD")],
    ),
    "the balance of a void invoice": (
        "update invoices set balance = 500 where {mine} and id = :void",
        [("invoice-amounts", "void", "balance", "5.00 USD", "0.00 USD")],
    ),
    "an allocation that is gone": (
        "delete from allocations where {mine} and id = :to_berlin",
        [
            ("invoice-amounts", "berlin_invoice", "amountPaid", "100.00 USD", "0.00 USD"),
            ("invoice-amounts", "berlin_invoice", "balance", "135.00 USD", "235.00 USD"),
            ("payment-amounts", "payment", "allocated", "175.00 USD", "75.00 USD"),
            ("payment-amounts", "payment", "unapplied", "125.00 USD", "225.00 USD"),
        ],
    ),
    "an allocation above the invoice": (
        "update allocations set amount = 6000 where {mine} and id = :to_team",
        [
            ("invoice-amounts", "team_invoice", "amountPaid", "50.00 USD", "60.00 USD"),
            ("invoice-amounts", "team_invoice", "balance", "0.00 USD", "-10.00 USD"),
            ("invoice-amounts", "team_invoice", "paid beyond the total", "10.00 USD", "0.00 USD"),
            ("payment-amounts", "payment", "allocated", "175.00 USD", "185.00 USD"),
            ("payment-amounts", "payment", "unapplied", "125.00 USD", "115.00 USD"),
        ],
    ),
    "a paid invoice that became a draft": (
        "update invoices set status = 'DRAFT' where {mine} and id = :team_invoice",
        [("invoice-paid-when-issued", "team_invoice", "applied", "50.00 USD", "0.00 USD")],
    ),
    "a paid invoice that became void": (
        "update invoices set status = 'VOID', balance = 0 where {mine} and id = :berlin_invoice",
        [("invoice-paid-when-issued", "berlin_invoice", "applied", "100.00 USD", "0.00 USD")],
    ),
    "a total": (
        "update invoices set shipping_charge = 800 where {mine} and id = :berlin_invoice",
        [("invoice-totals", "berlin_invoice", "total", "235.00 USD", "236.00 USD")],
    ),
    "a line": (
        """
        update invoice_lines set amount = amount - 100, tax = tax + 1, document_discount = document_discount - 2
        where {mine} and invoice_id = :berlin_invoice and position = 2
        """,
        [
            ("invoice-lines", "berlin_invoice", "discountTotal", "11.50 USD", "11.48 USD"),
            ("invoice-lines", "berlin_invoice", "subtotal", "230.00 USD", "229.00 USD"),
            ("invoice-lines", "berlin_invoice", "taxTotal", "9.50 USD", "9.51 USD"),
        ],
    ),
    "lines that are gone": (
        "delete from invoice_lines where {mine} and invoice_id = :hq_invoice",
        [("invoice-lines", "hq_invoice", "subtotal", "40.00 USD", "0.00 USD")],
    ),
    "what a payment has left": (
        "update payments set unapplied = 0 where {mine} and id = :payment",
        [("payment-amounts", "payment", "unapplied", "0.00 USD", "125.00 USD")],
    ),
    "a payment that says it is less than was applied of it": (
        "update payments set amount = 10000 where {mine} and id = :payment",
        [
            ("payment-amounts", "payment", "applied beyond the amount", "75.00 USD", "0.00 USD"),
            ("payment-amounts", "payment", "unapplied", "125.00 USD", "-75.00 USD"),
        ],
    ),
    "a reversed payment with money": (
        "update payments set allocated = 1000, unapplied = 7000 where {mine} and id = :bounced",
        [
            ("payment-amounts", "bounced", "allocated", "10.00 USD", "0.00 USD"),
            ("payment-amounts", "bounced", "unapplied", "70.00 USD", "0.00 USD"),
        ],
    ),
    "a reversed payment that still pays": (
        "delete from allocations where {mine} and id = :bounce",
        [
            ("invoice-amounts", "porto_invoice", "amountPaid", "30.00 USD", "110.00 USD"),
            ("invoice-amounts", "porto_invoice", "balance", "170.00 USD", "90.00 USD"),
            ("payment-amounts", "bounced", "applied of a reversed payment", "80.00 USD", "0.00 USD"),
        ],
    ),
    "what a credit note has left": (
        "update credit_notes set allocated = 0, remaining = 2000 where {mine} and id = :note",
        [
            ("credit-note-amounts", "note", "allocated", "0.00 USD", "5.00 USD"),
            ("credit-note-amounts", "note", "remaining", "20.00 USD", "15.00 USD"),
        ],
    ),
    "a credit note that is less than was applied of it": (
        "update credit_notes set total = 300 where {mine} and id = :note",
        [
            ("credit-note-amounts", "note", "applied beyond the total", "2.00 USD", "0.00 USD"),
            ("credit-note-amounts", "note", "remaining", "15.00 USD", "-2.00 USD"),
        ],
    ),
}

LEDGER: dict[str, tuple[str, list[Found]]] = {
    "the currency of an allocation": (
        "update allocations set currency = 'EUR' where {mine} and id = :to_berlin",
        [
            ("allocation-ends", "to_berlin", "currency of the invoice", "EUR", "USD"),
            ("allocation-ends", "to_berlin", "currency of the money", "EUR", "USD"),
        ],
    ),
    "the payer of an allocation": (
        "update allocations set payer_id = :stranger where {mine} and id = :to_berlin",
        [
            ("allocation-ends", "to_berlin", "first of the path", "hq", "stranger"),
            ("allocation-ends", "to_berlin", "payer", "stranger", "hq"),
        ],
    ),
    "the beneficiary of an allocation": (
        "update allocations set beneficiary_id = :stranger where {mine} and id = :to_berlin",
        [
            ("allocation-ends", "to_berlin", "beneficiary", "stranger", "berlin"),
            ("allocation-ends", "to_berlin", "last of the path", "berlin", "stranger"),
        ],
    ),
    "a payment in another currency than what it paid": (
        "update payments set currency = 'EUR' where {mine} and id = :released",
        [
            ("allocation-ends", "release", "currency of the money", "USD", "EUR"),
            ("allocation-ends", "to_void", "currency of the money", "USD", "EUR"),
        ],
    ),
    "the amount of a reversal": (
        "update allocations set amount = 5900 where {mine} and id = :reversal",
        [
            ("invoice-amounts", "porto_invoice", "amountPaid", "30.00 USD", "31.00 USD"),
            ("invoice-amounts", "porto_invoice", "balance", "170.00 USD", "169.00 USD"),
            ("payment-amounts", "payment", "allocated", "175.00 USD", "176.00 USD"),
            ("payment-amounts", "payment", "unapplied", "125.00 USD", "124.00 USD"),
            ("reversals", "reversal", "amount", "59.00 USD", "60.00 USD"),
        ],
    ),
    "a reversal of another payment's allocation": (
        "update allocations set reverses_id = :to_berlin where {mine} and id = :bounce",
        [
            ("reversals", "bounce", "amount", "80.00 USD", "100.00 USD"),
            ("reversals", "bounce", "invoice", "porto_invoice", "berlin_invoice"),
            ("reversals", "bounce", "payment", "bounced", "payment"),
        ],
    ),
    "an allocation that was taken back twice": (
        "update allocations set reverses_id = :taken_back where {mine} and id = :bounce",
        [
            ("reversals", "bounce", "amount", "80.00 USD", "60.00 USD"),
            ("reversals", "bounce", "payment", "bounced", "payment"),
            ("reversals", "taken_back", "times that it was taken back", "2", "1"),
        ],
    ),
    "a reversal of a reversal": (
        "update allocations set reverses_id = :bounce where {mine} and id = :reversal",
        [
            ("reversals", "reversal", "amount", "60.00 USD", "80.00 USD"),
            ("reversals", "reversal", "payment", "payment", "bounced"),
            ("reversals", "reversal", "reverses, of what it takes back", "bounced_to_porto", "none"),
        ],
    ),
}

TREE: dict[str, tuple[str, list[Found]]] = {
    "a link that begins after a payment over it": (
        "update parent_links set valid_from = valid_from + interval '1 hour' where {mine} and child_id = :porto",
        [
            ("right-to-pay", name, "pay from hq to porto", "not granted", "granted")
            for name in ("bounced_to_porto", "taken_back", "to_porto", "to_team")
        ],
    ),
    "a link that does not grant what was paid over it": (
        "update parent_links set pay = false where {mine} and child_id = :berlin",
        [
            ("closure", "berlin", "pay below hq", "true", "false"),
            ("right-to-pay", "to_berlin", "pay from hq to berlin", "not granted", "granted"),
        ],
    ),
    "a link that grants what was paid only for later invoices": (
        "update parent_links set pay_invoices_from = '2999-01-01' where {mine} and child_id = :team",
        [
            ("closure", "team", "payInvoicesFrom below hq", "2020-01-01", "2999-01-01"),
            ("closure", "team", "payInvoicesFrom below porto", "2020-01-01", "2999-01-01"),
            ("right-to-pay", "to_team", "pay from porto to team", "not granted", "granted"),
        ],
    ),
    "a parent": (
        "update customers set parent_id = null where {mine} and id = :berlin",
        [("parents", "berlin", "parent", "none", "hq")],
    ),
    "a parent without a link": (
        "update customers set parent_id = :hq where {mine} and id = :stranger",
        [("parents", "stranger", "parent", "hq", "none")],
    ),
    "a cycle": (
        "update parent_links set parent_id = :team where {mine} and child_id = :porto",
        [
            ("cycles", "porto", "way up", "a cycle", "a root"),
            ("cycles", "team", "way up", "a cycle", "a root"),
            ("parents", "porto", "parent", "hq", "team"),
            *[
                ("right-to-pay", name, "pay from hq to porto", "not granted", "granted")
                for name in ("bounced_to_porto", "taken_back", "to_porto", "to_team")
            ],
            ("roll-ups", "hq", "openCredits", "15.00 USD", "0.00 USD"),
            ("roll-ups", "hq", "outstanding", "1.234 KWD", "0.000 KWD"),
            ("roll-ups", "hq", "outstanding", "345.00 USD", "175.00 USD"),
            ("roll-ups", "hq", "unapplied", "155.00 USD", "125.00 USD"),
        ],
    ),
    "an individual in the hierarchy": (
        "update customers set kind = 'INDIVIDUAL' where {mine} and id in (:porto, :stranger)",
        [("businesses", "porto", "kind", "INDIVIDUAL", "BUSINESS")],
    ),
    "an ancestor that the closure lacks": (
        "delete from customer_closure where {mine} and ancestor_id = :hq and descendant_id = :team",
        [
            ("closure", "team", "row below hq", "missing", "there"),
            ("roll-ups", "hq", "outstanding", "0.000 KWD", "1.234 KWD"),
        ],
    ),
    "an ancestor that only the closure has": (
        """
        insert into customer_closure (organization_id, ancestor_id, descendant_id, depth, view, pay, manage)
        values (:organization_id, :stranger, :hq, 1, true, true, true)
        """,
        [
            ("closure", "hq", "row below stranger", "there", "missing"),
            ("roll-ups", "stranger", "outstanding", "50.00 USD", "10.00 USD"),
            ("roll-ups", "stranger", "unapplied", "125.00 USD", "0.00 USD"),
        ],
    ),
    "depth and rights of the closure": (
        """
        update customer_closure set depth = 3, view = false, pay = false, manage = false, pay_invoices_from = null
        where {mine} and ancestor_id = :porto and descendant_id = :team
        """,
        [
            ("closure", "team", "depth below porto", "3", "1"),
            ("closure", "team", "manage below porto", "false", "true"),
            ("closure", "team", "pay below porto", "false", "true"),
            ("closure", "team", "payInvoicesFrom below porto", "none", "2020-01-01"),
            ("closure", "team", "view below porto", "false", "true"),
        ],
    ),
    "an own row that is missing": (
        "delete from customer_closure where {mine} and descendant_id = :stranger",
        [
            ("closure", "stranger", "row below stranger", "missing", "there"),
            ("own-rows", "stranger", "own row", "missing", "there with every right"),
            ("roll-ups", "stranger", "outstanding", "0.00 USD", "10.00 USD"),
        ],
    ),
    "an own row without a right": (
        "update customer_closure set pay = false where {mine} and descendant_id = :stranger",
        [
            ("closure", "stranger", "pay below stranger", "false", "true"),
            ("own-rows", "stranger", "own row", "limited", "there with every right"),
        ],
    ),
}


_TERMS = """
insert into terms (organization_id, id, customer_id, field, version, discount_percent, valid_from, valid_to, actor) values
  (:organization_id, gen_random_uuid(), {owner}, 'DISCOUNT_PERCENT', 1, 5, '2026-01-01T00:00Z', {ended}, 'nobody'),
  (:organization_id, gen_random_uuid(), {owner}, 'DISCOUNT_PERCENT', 2, 6, '2026-02-01T00:00Z', null, 'nobody')
"""
TERMS: dict[str, tuple[str, list[Found]]] = {
    "a term that goes on after the next has begun": (
        _TERMS.format(owner=":berlin", ended="'2026-03-01T00:00Z'"),
        [("customer-terms", "berlin", "DISCOUNT_PERCENT 1", "2026-03-01 00:00:00", "ended by 2026-02-01 00:00:00")],
    ),
    "two terms that are open": (
        _TERMS.format(owner=":berlin", ended="null"),
        [("customer-terms", "berlin", "DISCOUNT_PERCENT 1", "open", "ended by 2026-02-01 00:00:00")],
    ),
}


@pytest.mark.parametrize("what", [*MONEY, *LEDGER, *TREE, *TERMS])
async def test_a_corruption_is_found_and_named(accounts: Accounts, what: str) -> None:
    statement, expected = {**MONEY, **LEDGER, **TREE, **TERMS}[what]
    await accounts.corrupt(statement)
    report = await verify(accounts.engine, accounts.organization_id)
    assert found_by(report, accounts) == expected


async def test_accounts_add_up_beside_those_of_others_that_do_not(kept: Accounts) -> None:
    report = await verify(kept.engine, kept.organization_id)
    assert report.problems == []
    assert report.is_clean
    assert report.counts == {"customer": 5, "invoice": 8, "payment": 3, "credit note": 1, "allocation": 10}


async def test_the_first_rows_of_a_check_are_told_and_all_are_counted(accounts: Accounts) -> None:
    await accounts.corrupt("update invoices set balance = balance + 1 where {mine}")
    report = await verify(accounts.engine, accounts.organization_id, findings_max=3)
    (problem,) = report.problems
    assert (problem.check.name, problem.figure_count) == ("invoice-amounts", 8)
    assert [finding.id for finding in problem.findings] == sorted(
        key for key in accounts.names.values() if key.startswith("inv_")
    )[:3]


async def test_a_tree_that_is_deeper_than_the_setting_is_no_corruption(accounts: Accounts) -> None:
    await accounts.corrupt("update organizations set hierarchy_depth_max = 1 where id = :organization_id")
    assert (await verify(accounts.engine, accounts.organization_id)).is_clean
