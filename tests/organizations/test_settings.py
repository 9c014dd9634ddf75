"""The organization's settings: made once, changed one by one, and refused without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from conftest import Execute
from holdco import database, ids
from holdco.context import Context
from holdco.ids import Kind
from holdco.organizations import service
from holdco.organizations.loaders import OrganizationById, today
from holdco.organizations.queries import OrganizationRow

Counting = Callable[[], Any]

SETTINGS = "name timezone currency terms { paymentTerms { kind netDays label } } hierarchyDepthMax linkPolicy lockedUntil version"
UPDATE = f"""
mutation ($input: OrganizationUpdateInput!) {{
  organizationUpdate(input: $input) {{ organization {{ {SETTINGS} }} userErrors {{ code message field }} }}
}}
"""


async def update(execute: Execute, **settings: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await execute(UPDATE, input=settings))["organizationUpdate"]
    return payload


async def show(execute: Execute, fields: str = SETTINGS) -> dict[str, Any]:
    shown: dict[str, Any] = (await execute(f"{{ organization {{ {fields} }} }}"))["organization"]
    return shown


async def stored(context: Context) -> list[Any]:
    """The organization and its activity, to compare before and after."""
    async with context.transaction() as transaction:
        key = {"key": context.organization_id}
        return [
            *await transaction.rows(text("select * from organizations where id = :key"), key),
            *await transaction.rows(text("select * from activity where organization_id = :key order by id"), key),
        ]


async def test_a_missing_organization_is_made_with_settings_that_suit_most(context: Context) -> None:
    organization_id = ids.new()
    await service.ensure(context.engine, organization_id)
    async with database.begin(context.engine, organization_id=organization_id, actor="Tess") as transaction:
        made = transaction.organization
    assert made == database.Organization(organization_id, "UTC", "USD", None, "ALLOW", None)


async def test_an_organization_that_is_there_keeps_its_settings(context: Context, execute: Execute) -> None:
    await update(execute, name="Aldgate Supplies", timezone="Europe/Lisbon")
    before = await stored(context)
    await service.ensure(context.engine, context.organization_id)
    assert await stored(context) == before


async def test_an_update_changes_what_it_names_and_nothing_else(execute: Execute) -> None:
    await update(execute, hierarchyDepthMax=None, linkPolicy="ALLOW")
    before = await show(execute)
    payload = await update(
        execute, version=before["version"], name=" Aldgate Supplies ", timezone="Europe/Lisbon", currency="EUR"
    )
    expected = before | {
        "name": "Aldgate Supplies",
        "timezone": "Europe/Lisbon",
        "currency": "EUR",
        "version": before["version"] + 1,
    }
    assert payload == {"organization": expected, "userErrors": []}
    assert await show(execute) == expected


async def test_every_setting_can_be_changed_and_limits_can_be_lifted(execute: Execute) -> None:
    changed = await update(
        execute,
        hierarchyDepthMax=4,
        linkPolicy="REQUIRE_CLEAR",
        lockedUntil="2026-01-31",
    )
    organization = changed["organization"]
    assert (organization["hierarchyDepthMax"], organization["linkPolicy"], organization["lockedUntil"]) == (
        4,
        "REQUIRE_CLEAR",
        "2026-01-31",
    )
    lifted = (await update(execute, hierarchyDepthMax=None, lockedUntil=None))["organization"]
    assert lifted == organization | {"hierarchyDepthMax": None, "lockedUntil": None, "version": organization["version"] + 1}


async def test_a_change_of_settings_is_on_record(context: Context, execute: Execute) -> None:
    await update(execute, name="Aldgate Supplies")
    await update(execute, name="Aldgate Networks Supplies", hierarchyDepthMax=3, linkPolicy="REQUIRE_CLEAR")
    async with context.transaction() as transaction:
        recorded = await transaction.rows(
            text(
                "select actor, action, customer_id, subject_id, details from activity"
                " where organization_id = :key order by id desc limit 1"
            ),
            {"key": context.organization_id},
        )
    fields = ["hierarchyDepthMax", "linkPolicy", "name"]
    subject = ids.encode(Kind.ORGANIZATION, context.organization_id)
    assert [tuple(row) for row in recorded] == [(context.viewer.actor, "organization.updated", None, subject, {"fields": fields})]


async def test_an_update_to_what_is_there_already_leaves_version_and_record_alone(context: Context, execute: Execute) -> None:
    await update(execute, name="Aldgate Supplies", lockedUntil="2026-01-31")
    before = await stored(context)
    payload = await update(execute, name="Aldgate Supplies", lockedUntil="2026-01-31")
    assert payload["userErrors"] == []
    assert await stored(context) == before


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({"name": "  "}, [["name"]]),
        ({"name": None, "timezone": None, "currency": None}, [["name"], ["timezone"], ["currency"]]),
        ({"linkPolicy": None}, [["linkPolicy"]]),
        ({"timezone": "Mars/Olympus"}, [["timezone"]]),
        ({"timezone": "../../etc/passwd"}, [["timezone"]]),
        ({"timezone": "localtime"}, [["timezone"]]),
        ({"name": "Aldgate", "hierarchyDepthMax": 0}, [["hierarchyDepthMax"]]),
        ({"name": "x" * 201, "hierarchyDepthMax": -1}, [["name"], ["hierarchyDepthMax"]]),
        ({"name": "Aldgate", "lockedUntil": "2999-12-31"}, [["lockedUntil"]]),
    ],
)
async def test_settings_that_make_no_sense_are_all_refused_and_change_nothing(
    context: Context, execute: Execute, settings: dict[str, Any], fields: list[list[str]]
) -> None:
    before = await stored(context)
    payload = await update(execute, **settings)
    assert payload["organization"] is None
    assert sorted((error["code"], error["field"]) for error in payload["userErrors"]) == sorted(
        ("INVALID_INPUT", field) for field in fields
    )
    assert await stored(context) == before


async def test_a_period_can_be_locked_up_to_yesterday_and_not_up_to_today(execute: Execute) -> None:
    # Where it is midday, no day ends between the question and the answer.
    await update(execute, timezone=_zone_where_it_is_midday())
    present = date.fromisoformat((await show(execute, "today"))["today"])
    refused = await update(execute, lockedUntil=present.isoformat())
    assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [("INVALID_INPUT", ["lockedUntil"])]
    yesterday = date.fromordinal(present.toordinal() - 1).isoformat()
    assert (await update(execute, lockedUntil=yesterday))["organization"]["lockedUntil"] == yesterday


async def test_an_update_of_a_version_that_is_gone_changes_nothing(context: Context, execute: Execute) -> None:
    version = (await update(execute, name="Aldgate Supplies"))["organization"]["version"]
    await update(execute, name="Aldgate")
    before = await stored(context)
    payload = await update(execute, name="Late", version=version)
    assert payload == {
        "organization": None,
        "userErrors": [
            {
                "code": "STALE_VERSION",
                "message": f"Aldgate was changed meanwhile: you have version {version}, it is at version {version + 1}."
                " Read it again and repeat.",
                "field": ["version"],
            }
        ],
    }
    assert await stored(context) == before


async def test_only_the_own_organization_is_found_by_its_id(context: Context, execute: Execute) -> None:
    other_id = ids.new()
    await service.ensure(context.engine, other_id)
    document = "query ($id: ID!) { node(id: $id) { id ... on Organization { version } } }"
    own = ids.encode(Kind.ORGANIZATION, context.organization_id)
    assert await execute(document, id=own) == {"node": {"id": own, "version": 1}}
    assert await execute(document, id=ids.encode(Kind.ORGANIZATION, other_id)) == {"node": None}


@pytest.mark.parametrize(
    ("timezone", "expected"),
    [
        ("UTC", date(2026, 3, 31)),
        ("Pacific/Kiritimati", date(2026, 4, 1)),
        ("America/New_York", date(2026, 3, 31)),
        ("Pacific/Pago_Pago", date(2026, 3, 30)),
    ],
)
def test_it_is_the_day_of_the_organizations_time_zone(timezone: str, expected: date) -> None:
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    read_at = datetime(2026, 3, 31, 10, 30, tzinfo=UTC)
    row = OrganizationRow(ids.new(), "Aldgate", timezone, "USD", None, "ALLOW", None, made_at, made_at, 1, read_at)
    assert row.today == expected


async def test_the_west_is_a_day_behind_the_east(execute: Execute) -> None:
    # 26 hours lie between the two, so they never share a date; the signs of Etc are the wrong way round.
    await update(execute, timezone="Etc/GMT-14")
    east = (await show(execute, "today"))["today"]
    await update(execute, timezone="Etc/GMT+12")
    west = (await show(execute, "today"))["today"]
    assert west < east


async def test_today_and_the_settings_cost_an_operation_one_statement(context: Context, counting: Counting) -> None:
    with counting() as issued:
        present, again, organization = await asyncio.gather(
            today(context), today(context), context.load(OrganizationById, context.organization_id)
        )
    assert len(issued) == 1
    assert organization is not None
    assert present == again == organization.today


def _zone_where_it_is_midday() -> str:
    offset = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"
