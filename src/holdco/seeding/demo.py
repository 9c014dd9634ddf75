"""The demo company: Aldgate Networks and its neighbours, as clients would enter them, through the same services.

Meridian Network Supply sells network equipment. Aldgate's head office pays for its offices in four cities, and London has
teams below it; Castell's middle company does not let the head office pay. Some of their people log in, as client users, others
are contacts, and a few of both have to do with projects. Dates count back from today, so that something
is always overdue; amounts are fixed, so that examples and tests can name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from holdco import database
from holdco.client_users import conversion, invitations
from holdco.client_users import service as client_users
from holdco.client_users.models import ProjectScope
from holdco.contacts import service as contacts
from holdco.customers import service as customers
from holdco.customers.hierarchy import Rights
from holdco.customers.models import CustomerKind, CustomerRole
from holdco.customers.service import Parent, Reference
from holdco.database import Transaction
from holdco.groups import service as groups
from holdco.invoices import create as invoices
from holdco.invoices.create import NewInvoice
from holdco.invoices.lines import NewLine
from holdco.organizations import service as organizations
from holdco.payment_terms import PaymentTerms, PaymentTermsKind
from holdco.payments import apply, record
from holdco.payments.allocation import Strategy
from holdco.payments.candidates import ExplicitLine, SourceKind, Wish
from holdco.payments.models import PaymentMode
from holdco.payments.record import NewCreditNote, NewPayment
from holdco.projects import service as projects
from holdco.projects.models import ProjectStatus
from holdco.seeding import demo_terms
from holdco.settings import Settings
from holdco.terms import service as terms
from holdco.terms.precedence import TermField
from holdco.terms.service import NewTerm, Owner
from holdco.viewer import ClientUserRole

ACTOR = "demo"
VENDOR = "Meridian Network Supply"

HEAD_OFFICE = "ALD-HQ"
# Ids that the examples of GraphiQL name in their variables: inputs take ids, and a visitor should have none to look up.
HEAD_OFFICE_ID = UUID("01900000-0000-7000-8000-000000000101")
HEAD_OFFICE_PAYMENT_ID = UUID("01900000-0000-7000-8000-000000000201")
CASTELL_PAYMENT_ID = UUID("01900000-0000-7000-8000-000000000202")
# Margaret Oduya, who pays for Aldgate: as a contact, and as the client user that she became.
HEAD_OFFICE_PAYER_ID = UUID("01900000-0000-7000-8000-000000000301")

_SEES_AND_PAYS = Rights(view=True, pay=True, manage=False)
_SEES_ONLY = Rights(view=True, pay=False, manage=False)


class _Customer(NamedTuple):
    number: str
    name: str
    role: CustomerRole | None
    city: str
    country: str = "GB"
    parent: str | None = None
    rights: Rights = _SEES_AND_PAYS
    currency: str = "USD"
    kind: CustomerKind = CustomerKind.BUSINESS
    net_days: int | None = None


_CUSTOMERS = (
    _Customer("ALD-HQ", "Aldgate Networks", CustomerRole.HEAD_OFFICE, "London"),
    _Customer("ALD-LON", "Aldgate Networks London", CustomerRole.BRANCH, "London", parent="ALD-HQ"),
    _Customer("ALD-MAN", "Aldgate Networks Manchester", CustomerRole.BRANCH, "Manchester", parent="ALD-HQ", net_days=14),
    _Customer("ALD-LEE", "Aldgate Networks Leeds", CustomerRole.BRANCH, "Leeds", parent="ALD-HQ"),
    _Customer("ALD-BRI", "Aldgate Networks Bristol", CustomerRole.BRANCH, "Bristol", parent="ALD-HQ"),
    _Customer("ALD-LON-ENG", "Aldgate London Engineering", CustomerRole.DEPARTMENT, "London", parent="ALD-LON"),
    _Customer("ALD-LON-SAL", "Aldgate London Sales", CustomerRole.DEPARTMENT, "London", parent="ALD-LON"),
    _Customer("ALD-LON-OPS", "Aldgate London Operations", CustomerRole.DEPARTMENT, "London", parent="ALD-LON"),
    _Customer("CAS-HQ", "Castell Holdings", CustomerRole.HEAD_OFFICE, "Cardiff"),
    _Customer("CAS-SVC", "Castell Services", CustomerRole.SUBSIDIARY, "Swansea", parent="CAS-HQ", rights=_SEES_ONLY),
    _Customer("CAS-RET", "Castell Retail", CustomerRole.BUSINESS_UNIT, "Newport", parent="CAS-SVC"),
    _Customer("NOR-001", "Northgate Logistics", None, "Columbus", "US"),
    _Customer("PIN-001", "Pinhal Sistemas", None, "Lisbon", "PT", currency="EUR"),
    _Customer("WHI-001", "Rosa Whitfield", None, "Bath", kind=CustomerKind.INDIVIDUAL, net_days=0),
)

_REFERENCES = {
    "ALD-HQ": (
        Reference("crm", "ALD-0001", "https://crm.meridian.example/accounts/ALD-0001"),
        Reference("books", "73001", "https://books.meridian.example/contacts/73001"),
    )
}

_GROUPS = (
    ("Resellers", "Partners who sell on.", ("CAS-RET", "PIN-001")),
    ("Enterprise", "Companies with a framework agreement.", ("ALD-HQ", "ALD-LON", "ALD-MAN", "ALD-LEE", "ALD-BRI", "CAS-HQ")),
    ("Direct", "Everybody who buys from the price list.", ("CAS-RET", "NOR-001", "WHI-001")),
)

_CONTACTS = (
    ("ALD-HQ", "Margaret Oduya", "Head of Accounts Payable", "Finance"),
    ("ALD-HQ", "Tom Ashdown", "Chief Information Officer", "Information Technology"),
    ("ALD-LON", "Priya Raman", "Office Manager", "Administration"),
    ("ALD-MAN", "Callum Reid", "Office Manager", "Administration"),
    ("ALD-LEE", "Joanna Fell", "Network Engineer", "Information Technology"),
    ("ALD-BRI", "Owen Marsh", "Network Engineer", "Information Technology"),
    ("ALD-LON-ENG", "Sofia Lindqvist", "Team Lead", "Engineering"),
    ("CAS-HQ", "Gwen Pryce", "Group Treasurer", "Finance"),
    ("CAS-SVC", "Idris Vaughan", "Finance Manager", "Finance"),
    ("NOR-001", "Dana Brooks", "Purchasing", "Operations"),
    ("PIN-001", "Marta Figueira", "Partner Manager", "Sales"),
)


class _ClientUser(NamedTuple):
    """A contact that became a client user; `is_invited` None: it has accepted its invitation."""

    name: str
    role: ClientUserRole
    is_invited: bool | None
    project_scope: ProjectScope = ProjectScope.ALL


_CLIENT_USERS = (
    _ClientUser("Margaret Oduya", ClientUserRole.PAYER, None),
    _ClientUser("Gwen Pryce", ClientUserRole.ADMIN, None),
    _ClientUser("Priya Raman", ClientUserRole.VIEWER, True, ProjectScope.LIST),
    # Put to a project without any invitation.
    _ClientUser("Tom Ashdown", ClientUserRole.VIEWER, False, ProjectScope.LIST),
)


class _Project(NamedTuple):
    name: str
    customer: str
    client_users: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    status: ProjectStatus = ProjectStatus.ACTIVE


_PROJECTS = (
    _Project("Framework agreement", "ALD-HQ", ("Margaret Oduya",), ("Margaret Oduya", "Tom Ashdown")),
    _Project("New head office network", "ALD-HQ", ("Tom Ashdown",), ("Tom Ashdown",), ProjectStatus.ON_HOLD),
    _Project("Wireless roll-out", "ALD-LEE", ("Tom Ashdown",), ("Joanna Fell",)),
    _Project("London office network", "ALD-LON", ("Priya Raman",), ("Tom Ashdown",)),
    _Project("Shop routers", "CAS-RET", ("Gwen Pryce",), ("Idris Vaughan",), ProjectStatus.COMPLETED),
)


class _Line(NamedTuple):
    item: str
    quantity: str
    unit_price: str
    tax_percent: str = "20"
    discount_percent: str = "0"


@dataclass(frozen=True, slots=True)
class _Invoice:
    """Dated so many days ago; due as the customer's terms say, else the organization's: 30 days."""

    number: str
    customer: str
    days_ago: int
    lines: tuple[_Line, ...]
    is_issued: bool = True
    currency: str | None = None
    discount_percent: str = "0"
    shipping_charge: str = "0"
    purchase_order: str | None = None


_INVOICES = (
    _Invoice("INV-0001", "ALD-LON", 95, (_Line("Core switch, 48 ports", "2", "2400.00", discount_percent="10"),)),
    _Invoice("INV-0002", "ALD-MAN", 70, (_Line("Edge router", "1", "3250.00"),), purchase_order="MAN-1182"),
    _Invoice("INV-0003", "ALD-LEE", 60, (_Line("Wireless survey", "1", "700.00"), _Line("Wireless roll-out", "1", "3500.00"))),
    _Invoice("INV-0004", "ALD-BRI", 50, (_Line("Leased line to Dublin, months", "3", "890.00", "0"),), currency="EUR"),
    _Invoice("INV-0005", "ALD-LON", 40, (_Line("Access point", "12", "185.00"),), discount_percent="5"),
    _Invoice("INV-0006", "ALD-LON-ENG", 38, (_Line("Test bench router", "1", "1890.00"),)),
    _Invoice("INV-0007", "ALD-MAN", 30, (_Line("Installation, days", "2", "780.00"),), purchase_order="MAN-1207"),
    _Invoice("INV-0008", "ALD-BRI", 28, (_Line("Network cabinet", "1", "1150.00"),), shipping_charge="45.00"),
    _Invoice("INV-0009", "ALD-LON", 10, (_Line("Fibre patch lead", "40", "12.50"),)),
    _Invoice("INV-0010", "ALD-LON-SAL", 9, (_Line("Desk phone", "15", "96.00", discount_percent="15"),)),
    _Invoice("INV-0011", "ALD-LON-OPS", 7, (_Line("Rack and cabling", "1", "980.00"),)),
    _Invoice("INV-0012", "ALD-MAN", 5, (_Line("Uninterruptible power supply", "3", "410.00", discount_percent="8"),)),
    _Invoice("INV-0013", "ALD-LEE", 4, (_Line("Support contract, one year", "1", "2400.00"),)),
    _Invoice("INV-0014", "ALD-BRI", 2, (_Line("Media converter", "2", "640.00", "0"),), is_issued=False),
    _Invoice("INV-0015", "ALD-LON", 1, (_Line("Firewall", "1", "3100.00"),), is_issued=False),
    # Due today, which is not overdue.
    _Invoice("INV-0016", "ALD-HQ", 30, (_Line("Framework agreement, quarterly fee", "1", "1500.00"),)),
    _Invoice("INV-0017", "CAS-HQ", 35, (_Line("Network audit", "1", "900.00"),)),
    _Invoice("INV-0018", "CAS-SVC", 33, (_Line("Managed router, months", "4", "500.00"),)),
    _Invoice("INV-0019", "CAS-RET", 20, (_Line("Shop router", "5", "250.00"),)),
    _Invoice("INV-0020", "NOR-001", 45, (_Line("Warehouse scanner dock", "4", "160.00", "8"),)),
    _Invoice("INV-0021", "PIN-001", 12, (_Line("Access point", "20", "74.90", "23", "25"),)),
    _Invoice("INV-0022", "WHI-001", 3, (_Line("Home office kit", "1", "249.00", "8"),)),
)


async def load_once(settings: Settings) -> bool:
    """Loads the demo company, all of it or nothing, into an organization that has no customers. Returns whether it did.

    An organization with customers of its own is left alone, so that nobody finds strangers among them.
    """
    assert settings.database_url is not None
    engine = database.create_engine(settings.database_url, pool_size=1)
    try:
        async with database.begin(engine, organization_id=settings.organization_id, actor=ACTOR) as transaction:
            # Two that start at once take turns.
            await transaction.lock_exclusive()
            if await _has_customers(transaction):
                return False
            await _load(transaction)
            return True
    finally:
        await engine.dispose()


async def _has_customers(transaction: Transaction) -> bool:
    rows = await transaction.rows(
        text("select exists (select from customers where organization_id = :organization_id)"),
        {"organization_id": transaction.organization_id},
    )
    return bool(rows[0][0])


async def _load(transaction: Transaction) -> None:
    await _name_vendor(transaction)
    by_number = await _add_customers(transaction)
    by_group: dict[str, UUID] = {}
    for name, description, members in _GROUPS:
        by_group[name] = await groups.create(transaction, values={"name": name, "description": description})
        await groups.add_members(transaction, by_group[name], [by_number[number] for number in members])
    contact_ids: dict[str, UUID] = {}
    for number, name, designation, department in _CONTACTS:
        values = {
            "name": name,
            "email": f"{name.lower().replace(' ', '.')}@{_domain(number)}",
            "designation": designation,
            "department": department,
        }
        contact_ids[name] = await contacts.create(
            transaction,
            customer_id=by_number[number],
            values=values,
            contact_id=HEAD_OFFICE_PAYER_ID if name == "Margaret Oduya" else None,
        )
    invoice_ids = {invoice.number: await _add_invoice(transaction, invoice, by_number) for invoice in _INVOICES}
    await demo_terms.agree(transaction, by_number, by_group)
    await _pay(transaction, by_number, invoice_ids)
    await _let_in(transaction, by_number, contact_ids)


async def _name_vendor(transaction: Transaction) -> None:
    """Whoever gave the organization a name keeps it."""
    rows = await transaction.rows(
        text("select name from organizations where id = :organization_id"), {"organization_id": transaction.organization_id}
    )
    if rows[0][0] == organizations.NAME_DEFAULT:
        await organizations.change(transaction, values={"name": VENDOR})


def _domain(number: str) -> str:
    names = {"ALD": "aldgate", "CAS": "castell", "NOR": "northgate", "PIN": "pinhal", "WHI": "whitfield"}
    return f"{names[number[:3]]}.example"


async def _add_customers(transaction: Transaction) -> dict[str, UUID]:
    """Returns their ids by their numbers. Parents stand before their children."""
    by_number: dict[str, UUID] = {}
    own: dict[str, PaymentTerms] = {}
    for given in _CUSTOMERS:
        values: dict[str, Any] = {
            "number": given.number,
            "name": given.name,
            "kind": given.kind,
            "role": given.role,
            "currency": given.currency,
            "email": f"{given.number.lower()}@{_domain(given.number)}",
            "billing_address": {"city": given.city, "country": given.country},
        }
        if given.net_days is not None:
            kind = PaymentTermsKind.NET if given.net_days else PaymentTermsKind.DUE_ON_RECEIPT
            own[given.number] = PaymentTerms(kind, given.net_days)
        by_number[given.number] = await customers.create(
            transaction,
            values=values,
            parent=Parent(by_number[given.parent], given.rights) if given.parent is not None else None,
            customer_id=HEAD_OFFICE_ID if given.number == "ALD-HQ" else None,
            references=_REFERENCES.get(given.number, ()),
        )
    await terms.assign(
        transaction,
        {
            Owner(customer_id=by_number[number]): {TermField.PAYMENT_TERMS: NewTerm(payment_terms)}
            for number, payment_terms in own.items()
        },
    )
    return by_number


async def _add_invoice(transaction: Transaction, given: _Invoice, by_number: dict[str, UUID]) -> UUID:
    new = NewInvoice(
        customer_id=by_number[given.customer],
        number=given.number,
        currency=given.currency,
        invoice_date=transaction.today - timedelta(days=given.days_ago),
        discount_percent=Decimal(given.discount_percent),
        shipping_charge=Decimal(given.shipping_charge),
        purchase_order=given.purchase_order,
        lines=[
            NewLine(
                description=None,
                item=line.item,
                quantity=Decimal(line.quantity),
                unit_price=Decimal(line.unit_price),
                discount_percent=Decimal(line.discount_percent),
                tax_percent=Decimal(line.tax_percent),
            )
            for line in given.lines
        ],
    )
    return await invoices.create(transaction, new, is_issued=given.is_issued)


async def _pay(transaction: Transaction, by_number: dict[str, UUID], invoice_ids: dict[str, UUID]) -> None:
    """The head office has paid for three offices and kept a rest; the latest money of both head offices waits to be applied."""

    async def record_payment(number: str, customer: str, amount: str, days_ago: int, **more: Any) -> None:
        new = NewPayment(
            customer_id=by_number[customer],
            amount=Decimal(amount),
            mode=PaymentMode.BANK_TRANSFER,
            number=number,
            received_on=transaction.today - timedelta(days=days_ago),
            reference=f"{customer} {number}",
            id=more.get("payment_id"),
        )
        await record.record_payment(transaction, new, wish=more.get("wish"), key=number, request={"number": number})

    paid = (("INV-0001", "4834.00"), ("INV-0002", "3900.00"), ("INV-0003", "1000.00"))
    lines = tuple(ExplicitLine(invoice_ids[number], Decimal(amount)) for number, amount in paid)
    wish = Wish(strategy=Strategy.EXPLICIT, lines=lines, applied_on=transaction.today - timedelta(days=25))
    await record_payment("PAY-0001", "ALD-HQ", "10000.00", 25, wish=wish)
    await record_payment("PAY-0002", "ALD-HQ", "5000.00", 3, payment_id=HEAD_OFFICE_PAYMENT_ID)
    await record_payment("PAY-0003", "CAS-HQ", "4000.00", 2, payment_id=CASTELL_PAYMENT_ID)
    note = NewCreditNote(
        customer_id=by_number["ALD-HQ"],
        total=Decimal("600.00"),
        number="CRN-0001",
        credit_date=transaction.today - timedelta(days=20),
        reason="Switches arrived late",
    )
    answer = await record.create_credit_note(transaction, note, key=note.number or "", request={"number": note.number})
    kind, credit_note_id = apply.source_of(answer.value["creditNoteId"], SourceKind.CREDIT_NOTE)
    wish = Wish(strategy=Strategy.EXPLICIT, lines=(ExplicitLine(invoice_ids["INV-0001"], Decimal("350.00")),))
    await apply.apply(
        transaction,
        kind=kind,
        source_id=credit_note_id,
        wish=wish,
        plan_hash=None,
        key=note.number or "",
        request={"number": note.number},
    )


async def _let_in(transaction: Transaction, by_number: dict[str, UUID], contact_ids: dict[str, UUID]) -> None:
    """Makes client users of some contacts, who keep their ids, and puts people to projects. Who accepts does so last of all."""
    shown = []
    for given in _CLIENT_USERS:
        key = contact_ids[given.name]
        await conversion.convert(transaction, key, role=given.role, project_scope=given.project_scope)
        if given.is_invited is not False:
            opened = await client_users.reinvite(transaction, key)
            shown += [opened.secret] if given.is_invited is None else []
    for project in _PROJECTS:
        values = {"name": project.name, "status": project.status}
        project_id = await projects.create(transaction, customer_id=by_number[project.customer], values=values)
        await projects.set_people(
            transaction,
            project_id,
            client_user_ids=[contact_ids[name] for name in project.client_users],
            contact_ids=[contact_ids[name] for name in project.contacts],
        )
    for secret in shown:
        await client_users.accept(transaction, invitations.read(secret))
