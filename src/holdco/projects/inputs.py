"""What clients give to find and order projects."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from holdco.connections import DateTimeFilter, IdFilter, OrderDirection, TextFilter, conditions_of
from holdco.filtering import Condition
from holdco.ids import Kind
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
