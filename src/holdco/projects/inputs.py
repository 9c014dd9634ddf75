"""What clients give to find and order projects."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from holdco.connections import DateTimeFilter, IdFilter, OrderDirection, TextFilter, conditions_of, orders_of
from holdco.filtering import Condition
from holdco.ids import Kind
from holdco.paging import PageRequest, request_of
from holdco.projects import queries
from holdco.projects.models import ProjectStatus

strawberry.enum(ProjectStatus)


@strawberry.enum(description="What projects may be ordered by.")
class ProjectOrderField(StrEnum):
    NAME = "name"
    CREATED_AT = "created_at"


@strawberry.input
class ProjectOrder:
    field: ProjectOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input(description="Conditions on projects; all given ones must hold.")
class ProjectFilter:
    id: IdFilter | None = None
    customer_id: IdFilter | None = None
    name: TextFilter | None = None
    status: ProjectStatus | None = None
    created_at: DateTimeFilter | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self, {"id": Kind.PROJECT, "customer_id": Kind.CUSTOMER})


def project_request(
    filter: ProjectFilter | None,  # noqa: A002 (the name that clients write)
    order_by: list[ProjectOrder] | None,
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
) -> PageRequest:
    return request_of(
        queries.LISTING,
        first=first,
        after=after,
        last=last,
        before=before,
        orders=orders_of(order_by),
        conditions=filter.conditions() if filter is not None else (),
    )
