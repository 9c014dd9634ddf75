"""Whether a client user sees many customers, asked together with who it is: reading is planned by it (`sight.Audience`)."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, func, literal, select

from holdco.client_users.models import ClientUserCustomer
from holdco.customers.models import CustomerClosure
from holdco.statements import ORGANIZATION_ID

# With so many an array of all of them costs more than to look each row up.
MANY: Final = 5_000

_OWN: Final = ClientUserCustomer.__table__.c
_CLOSURE: Final = CustomerClosure.__table__.c


def sees_many(client_user_id: ColumnElement[Any], of: FromClause) -> ScalarSelect[bool]:
    """`client_user_id` is a column of the table `of`, of whose statement this becomes part. Counts no further than it must."""
    seen = (
        select(literal(1))
        .join_from(ClientUserCustomer.__table__, CustomerClosure.__table__, _CLOSURE.ancestor_id == _OWN.customer_id)
        .where(
            _OWN.organization_id == ORGANIZATION_ID,
            _OWN.client_user_id == client_user_id,
            _CLOSURE.organization_id == ORGANIZATION_ID,
            _CLOSURE.view,
        )
        .limit(MANY + 1)
        .correlate(of)
        .subquery()
    )
    return select(func.count() > MANY).select_from(seen).scalar_subquery()
