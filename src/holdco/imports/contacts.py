"""Reads customers from an export of contacts: one customer to a Contact or Customer ID, one row to a contact person (rule 3).

Behind Zoho's columns may stand ours (rule 8): `Parent Customer ID` or `Parent Customer Name`, `Allow Parent View`,
`Allow Parent Pay`, `Allow Parent Manage`, `Inherit Terms` (empty means no), `Parent Pays Invoices From` (H7), `Customer Role`,
`Discount Percent` (empty: the customer has none of its own, 0 is one) and `Customer Group` (several with semicolons between).
Zoho's combined flag sets view and pay (domain.md H10). A file without ids, as Zoho's template for imports is, goes by
`Customer Number`. Rows of vendors are left out.

`Price List` is the customer's own. What a group offers has no columns here: it belongs to the group, has a mode for each term,
and would stand in the rows of all its members, who could contradict one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

from holdco import money
from holdco.customers.hierarchy import Rights
from holdco.customers.models import CustomerKind, CustomerRole, CustomerStatus
from holdco.errors import InvalidInput, UserErrorCode
from holdco.imports import values
from holdco.imports.headings import Aliases, Columns, normalised
from holdco.imports.problems import CellRefused, FileRefused, Problems
from holdco.imports.reading import Record, Sheet
from holdco.imports.rows import Row
from holdco.imports.values import DateFormat
from holdco.payment_terms import PaymentTerms
from holdco.validation import NAME_LENGTH_MAX, TEXT_LENGTH_MAX, email_address


class ContactCells(NamedTuple):
    customer_id: str
    number: str
    name: str
    company_name: str
    contact_type: str
    first_name: str
    last_name: str
    email: str
    phone: str
    mobile: str
    department: str
    designation: str
    currency: str
    notes: str
    website: str
    status: str
    kind: str
    tax_id: str
    terms_days: str
    terms_label: str
    price_list: str
    discount_percent: str
    role: str
    billing_attention: str
    billing_street: str
    billing_street2: str
    billing_city: str
    billing_state: str
    billing_country: str
    billing_postal_code: str
    billing_phone: str
    shipping_attention: str
    shipping_street: str
    shipping_street2: str
    shipping_city: str
    shipping_state: str
    shipping_country: str
    shipping_postal_code: str
    shipping_phone: str
    opening_balance: str
    opening_balance_side: str
    parent_id: str
    parent_name: str
    allow_view: str
    allow_pay: str
    allow_manage: str
    allow_pay_and_view: str
    inherit_terms: str
    pay_invoices_from: str
    groups: str


def _address(kind: str) -> dict[str, tuple[str, ...]]:
    prefix = kind.lower()
    return {
        f"{prefix}_attention": (f"{kind} Attention",),
        f"{prefix}_street": (f"{kind} Address", f"{kind} Street", f"{kind} Address1"),
        f"{prefix}_street2": (f"{kind} Street2", f"{kind} Address2"),
        f"{prefix}_city": (f"{kind} City",),
        f"{prefix}_state": (f"{kind} State",),
        f"{prefix}_country": (f"{kind} Country",),
        f"{prefix}_postal_code": (f"{kind} Code", f"{kind} Zip", f"{kind} Zipcode", f"{kind} Postal Code"),
        f"{prefix}_phone": (f"{kind} Phone", f"{kind} Phone Number"),
    }


HEADINGS: Final[Aliases] = {
    "customer_id": ("Customer ID", "CustomerID", "Contact ID", "Primary Contact ID"),
    "number": ("Customer Number", "Contact Number"),
    "name": ("Display Name", "Contact Name", "Customer Name"),
    "company_name": ("Company Name",),
    "contact_type": ("Contact Type",),
    "first_name": ("First Name",),
    "last_name": ("Last Name",),
    "email": ("EmailID", "Email", "Email ID", "Email Address"),
    "phone": ("Phone",),
    "mobile": ("MobilePhone", "Mobile", "Mobile Phone"),
    "department": ("Department",),
    "designation": ("Designation",),
    "currency": ("Currency Code", "Currency"),
    "notes": ("Notes",),
    "website": ("Website",),
    "status": ("Status",),
    "kind": ("Customer Sub Type", "Customer Type"),
    "tax_id": (
        "GST Identification Number (GSTIN)",
        "GSTIN",
        "VAT Registration Number",
        "VAT Number",
        "Tax Registration Number",
        "TRN",
        "Tax ID",
    ),
    "terms_days": ("Payment Terms", "Payment Terms In Days"),
    "terms_label": ("Payment Terms Label",),
    "price_list": ("Price List", "Price List Name"),
    "discount_percent": ("Discount Percent",),
    "role": ("Customer Role",),
    **_address("Billing"),
    **_address("Shipping"),
    "opening_balance": ("Outstanding Balance", "Opening Balance"),
    "opening_balance_side": ("Debit or Credit of Outstanding Balance", "Debit or Credit of Opening Balance", "Debit or Credit"),
    "parent_id": ("Parent Customer ID",),
    "parent_name": ("Parent Customer Name",),
    "allow_view": ("Allow Parent View",),
    "allow_pay": ("Allow Parent Pay",),
    "allow_manage": ("Allow Parent Manage",),
    "allow_pay_and_view": ("Allow Parent For Payment And View", "Allow Parent To Pay And View"),
    "inherit_terms": ("Inherit Terms",),
    "pay_invoices_from": ("Parent Pays Invoices From",),
    "groups": ("Customer Group", "Customer Groups"),
}

_OF_DOCUMENTS: Final = frozenset({"invoicenumber", "invoicestatus", "customerpaymentid", "paymentnumber", "creditnotenumber"})
_CUSTOM_FIELD: Final = "cf."
_DISCOUNT_MAX: Final = Decimal(100)
_DISCOUNT_PLACES: Final = 6
_KINDS: Final = {"business": CustomerKind.BUSINESS, "individual": CustomerKind.INDIVIDUAL}
_STATUSES: Final = {"active": CustomerStatus.ACTIVE, "inactive": CustomerStatus.INACTIVE}
_ROLES: Final = {normalised(role.value): role for role in CustomerRole}
_SIDES: Final = {"debit": 1, "credit": -1}


class NewContact(NamedTuple):
    name: str
    email: str | None
    phone: str | None
    designation: str | None
    department: str | None


class ParentWish(NamedTuple):
    """The parent as the file names it: by id where there is one, else by name."""

    external_id: str | None
    name: str | None
    rights: Rights


@dataclass(slots=True)
class NewCustomer:
    """`fields` are columns of the table; `number` may still be None. `opening_balance` is minor units, negative for credit."""

    line: int
    external_id: str
    number: str | None
    name: str
    fields: dict[str, Any]
    contacts: dict[tuple[str, str | None], NewContact] = field(default_factory=dict)
    parent: ParentWish | None = None
    groups: tuple[str, ...] = ()
    opening_balance: int = 0
    payment_terms: PaymentTerms | None = None
    price_list: str | None = None
    discount_percent: Decimal | None = None


@dataclass(slots=True)
class ReadContacts:
    """`external_ids` and `names` are those of every row, sound or not: whoever refers to one of them is not wrong."""

    customers: dict[str, NewCustomer] = field(default_factory=dict)
    external_ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    vendor_count: int = 0


def columns_of(sheet: Sheet) -> Columns[ContactCells]:
    """Raises FileRefused, also for an export of documents: it has ids and names of customers in it, but is none of them."""
    columns = Columns(sheet, ContactCells, HEADINGS, required=[("customer_id", "number"), ("name",)])
    foreign = next((heading for heading in sheet.headings if normalised(heading) in _OF_DOCUMENTS), None)
    if foreign is not None:
        raise FileRefused(f"This is no export of contacts: it has a column “{foreign}”.", line=1)
    return columns


def unmapped(columns: Columns[ContactCells]) -> list[str]:
    """Columns that are not read. Those of custom fields (`CF.Region`) are kept with the customer."""
    return [heading for heading in columns.unmapped if not heading.lower().startswith(_CUSTOM_FIELD)]


class ContactsReader:
    """Takes the rows of a sheet one after another and keeps the customers."""

    def __init__(self, columns: Columns[ContactCells], dates: DateFormat, problems: Problems, *, currency: str) -> None:
        """`currency` is the organization's, for customers that state none."""
        self.result = ReadContacts()
        self._columns = columns
        self._dates = dates.read
        self._problems = problems
        self._currency = currency
        self._first_lines: dict[str, tuple[int, str]] = {}
        self._custom = [
            (position, heading[len(_CUSTOM_FIELD) :].strip())
            for position, heading in enumerate(columns.sheet.headings)
            if heading.lower().startswith(_CUSTOM_FIELD) and len(heading) > len(_CUSTOM_FIELD)
        ]

    def add(self, record: Record) -> None:
        cells = self._columns.read(record.cells)
        if normalised(cells.contact_type) in {"vendor", "vendors"}:
            self.result.vendor_count += 1
            return
        row = Row(self._columns, record.line, cells, self._problems)
        if not cells.customer_id and not cells.number:
            row.refuse("A customer needs an id or a number by which it is known again.", self._identity_field())
            return
        external_id = row.optional("customer_id" if cells.customer_id else "number", values.identifier)
        self.result.names.add(cells.name)
        if external_id is None:
            return
        self.result.external_ids.add(external_id)
        first = self._first_lines.setdefault(external_id, (record.line, cells.name))
        if first[0] == record.line:
            self._add_customer(row, record, external_id)
        elif cells.name and cells.name != first[1]:
            row.refuse(
                f"The row at line {first[0]} has the same id but is called {values.shown(first[1])}, this one "
                f"{values.shown(cells.name)}. Perhaps a spreadsheet has rounded the ids.",
                self._identity_field(),
            )
        elif external_id in self.result.customers:
            email = row.optional("email", _email)
            self._add_contact(row, self.result.customers[external_id], _name(row) or email, email)

    def _identity_field(self) -> str:
        return "customer_id" if self._columns.has("customer_id") else "number"

    def _add_customer(self, row: Row[ContactCells], record: Record, external_id: str) -> None:
        name = row.required("name", values.limited)
        email = row.optional("email", _email)
        currency = row.optional("currency", values.currency) or self._currency
        terms = _terms(row)
        customer = NewCustomer(
            line=record.line,
            external_id=external_id,
            number=row.kept("number"),
            name=name or "",
            fields={
                "company_name": row.kept("company_name"),
                "kind": row.optional("kind", lambda text: values.chosen(text, _KINDS)) or CustomerKind.BUSINESS,
                "role": row.optional("role", lambda text: values.chosen(text, _ROLES)),
                "status": row.optional("status", lambda text: values.chosen(text, _STATUSES)) or CustomerStatus.ACTIVE,
                "currency": currency,
                "email": email,
                "phone": row.kept("phone") or row.kept("mobile"),
                "website": row.kept("website"),
                "tax_id": row.kept("tax_id"),
                "billing_address": row.address("billing"),
                "shipping_address": row.address("shipping"),
                "notes": row.kept("notes", TEXT_LENGTH_MAX),
                "custom_fields": self._custom_fields(record),
            },
            payment_terms=terms,
            price_list=row.kept("price_list"),
            discount_percent=_discount(row),
            parent=self._parent(row),
            groups=_groups(row),
            opening_balance=_opening_balance(row, currency),
        )
        # The main row's own e-mail is the customer's; it is a person's only where a name stands beside it.
        self._add_contact(row, customer, _name(row), email)
        if row.is_sound:
            self.result.customers[external_id] = customer

    def _custom_fields(self, record: Record) -> dict[str, str] | None:
        return {name: text for position, name in self._custom if (text := record.cells[position].strip())} or None

    def _add_contact(self, row: Row[ContactCells], customer: NewCustomer, name: str | None, email: str | None) -> None:
        if not name:
            return
        if len(name) > NAME_LENGTH_MAX:
            row.refuse(f"The name of a contact is {len(name)} characters long; at most {NAME_LENGTH_MAX} are kept.")
            return
        contact = NewContact(
            name, email, row.kept("mobile") or row.kept("phone"), row.kept("designation"), row.kept("department")
        )
        customer.contacts.setdefault((name, email), contact)

    def _parent(self, row: Row[ContactCells]) -> ParentWish | None:
        cells = row.cells
        if not cells.parent_id and not cells.parent_name:
            return None
        both = row.optional("allow_pay_and_view", values.boolean)
        view = row.optional("allow_view", values.boolean)
        pay = row.optional("allow_pay", values.boolean)
        manage = row.optional("allow_manage", values.boolean) or False
        if both is not None:
            view, pay = both if view is None else view, both if pay is None else pay
        parent_id = row.optional("parent_id", values.identifier)
        inherit_terms = row.optional("inherit_terms", values.boolean) or False
        since = row.optional("pay_invoices_from", self._dates)
        if not row.is_sound:
            return None
        if view is None or pay is None:
            row.refuse(
                "Say what the parent may do: true or false in Allow Parent View and in Allow Parent Pay.",
                "allow_view" if view is None else "allow_pay",
            )
            return None
        if (pay or manage) and not view:
            row.refuse(
                "A parent that may pay or manage must also be allowed to view.", "allow_view", UserErrorCode.RIGHTS_INCONSISTENT
            )
            return None
        return ParentWish(parent_id, cells.parent_name or None, Rights(view, pay, manage, since, inherit_terms))


def _name(row: Row[ContactCells]) -> str:
    return " ".join(part for part in (row.cells.first_name, row.cells.last_name) if part)


def _email(text: str) -> str | None:
    try:
        return email_address(text)
    except InvalidInput as problem:
        raise CellRefused(str(problem)) from None


def _terms(row: Row[ContactCells]) -> PaymentTerms | None:
    try:
        return values.payment_terms(row.cells.terms_days, row.cells.terms_label)
    except CellRefused as problem:
        row.refuse(str(problem), "terms_label")
        return None


def _discount(row: Row[ContactCells]) -> Decimal | None:
    percent = row.optional("discount_percent", values.percent)
    if percent is not None and (not 0 <= percent <= _DISCOUNT_MAX or percent != round(percent, _DISCOUNT_PLACES)):
        row.refuse(
            "A discount is from 0 to 100 percent, with at most 6 decimal places.",
            "discount_percent",
            UserErrorCode.PERCENT_OUT_OF_RANGE,
        )
        return None
    return percent


def _groups(row: Row[ContactCells]) -> tuple[str, ...]:
    names = dict.fromkeys(part.strip() for part in row.cells.groups.split(";"))
    names.pop("", None)
    for name in names:
        if len(name) > NAME_LENGTH_MAX:
            row.refuse(f"The name of a group has at most {NAME_LENGTH_MAX} characters.", "groups")
    return tuple(names)


def _opening_balance(row: Row[ContactCells], currency: str) -> int:
    """What the customer owed before its first invoice here: above zero a debt, below zero a credit (rule 9)."""
    amount = row.optional("opening_balance", values.amounts(currency))
    side = row.optional("opening_balance_side", lambda text: values.chosen(text, _SIDES))
    if not amount:
        return 0
    if side is None:
        return amount
    if amount < 0:
        row.refuse(
            f"{money.to_string(amount, currency)} is below zero and marked as {row.cells.opening_balance_side}: which of the two "
            "makes it a credit cannot be told.",
            "opening_balance",
        )
        return 0
    return amount * side
