"""The columns of an export of invoices."""

from __future__ import annotations

from typing import Final, NamedTuple

from holdco.imports.headings import Aliases, Columns
from holdco.imports.reading import Sheet


class InvoiceCells(NamedTuple):
    """The invoice's own cells first, then those of the line, from `item_name`."""

    invoice_id: str
    number: str
    invoice_date: str
    status: str
    customer_id: str
    customer_name: str
    company_name: str
    due_date: str
    terms_days: str
    terms_label: str
    currency: str
    purchase_order: str
    notes: str
    is_discount_before_tax: str
    discount_percent: str
    discount_amount: str
    is_tax_inclusive: str
    subtotal: str
    total: str
    balance: str
    shipping_charge: str
    shipping_tax: str
    adjustment: str
    round_off: str
    write_off: str
    credits_applied: str
    billing_attention: str
    billing_street: str
    billing_street2: str
    billing_city: str
    billing_state: str
    billing_country: str
    billing_postal_code: str
    billing_phone: str
    item_name: str
    item_description: str
    quantity: str
    unit_price: str
    line_discount: str
    line_discount_amount: str
    item_total: str
    tax_percent: str
    tax2_percent: str
    tax_amount: str
    tax2_amount: str


HEADINGS: Final[Aliases] = {
    "invoice_id": ("Invoice ID", "InvoiceID"),
    "number": ("Invoice Number", "Invoice#"),
    "invoice_date": ("Invoice Date",),
    "status": ("Invoice Status", "Status"),
    "customer_id": ("Customer ID", "CustomerID", "Contact ID"),
    "customer_name": ("Customer Name", "Display Name"),
    "company_name": ("Company Name",),
    "due_date": ("Due Date",),
    "terms_days": ("Payment Terms", "Payment Terms In Days"),
    "terms_label": ("Payment Terms Label",),
    "currency": ("Currency Code", "Currency"),
    "purchase_order": ("PurchaseOrder", "Purchase Order Number", "Reference Number"),
    "notes": ("Notes", "Customer Notes"),
    "is_discount_before_tax": ("Is Discount Before Tax",),
    "discount_percent": ("Entity Discount Percent", "Entity Discount %"),
    "discount_amount": ("Entity Discount Amount",),
    "is_tax_inclusive": ("Is Inclusive Tax",),
    "subtotal": ("SubTotal",),
    "total": ("Total", "Invoice Total"),
    "balance": ("Balance", "Balance Due"),
    "shipping_charge": ("Shipping Charge",),
    "shipping_tax": ("Shipping Charge Tax Amount",),
    "adjustment": ("Adjustment",),
    "round_off": ("Round Off",),
    "write_off": ("WriteOff Amount",),
    # Ours: what credit notes have paid of it.
    "credits_applied": ("Credits Applied",),
    "billing_attention": ("Billing Attention",),
    "billing_street": ("Billing Address", "Billing Street"),
    "billing_street2": ("Billing Street2",),
    "billing_city": ("Billing City",),
    "billing_state": ("Billing State",),
    "billing_country": ("Billing Country",),
    "billing_postal_code": ("Billing Code", "Billing Zip", "Billing Postal Code"),
    "billing_phone": ("Billing Phone", "Billing Phone Number"),
    "item_name": ("Item Name",),
    "item_description": ("Item Desc", "Item Description"),
    "quantity": ("Quantity",),
    "unit_price": ("Item Price", "Rate"),
    "line_discount": ("Discount",),
    "line_discount_amount": ("Discount Amount",),
    "item_total": ("Item Total",),
    "tax_percent": ("Item Tax %", "Item Tax1 %"),
    "tax2_percent": ("Item Tax2 %",),
    "tax_amount": ("Item Tax Amount", "Item Tax1 Amount"),
    "tax2_amount": ("Item Tax2 Amount",),
}


def columns_of(sheet: Sheet) -> Columns[InvoiceCells]:
    """Raises FileRefused."""
    return Columns(
        sheet,
        InvoiceCells,
        HEADINGS,
        required=[
            ("number",),
            ("invoice_date",),
            ("status",),
            ("customer_id", "customer_name"),
            ("unit_price", "item_total"),
        ],
    )
