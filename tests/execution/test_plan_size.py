"""A short document can have more fields than anybody could plan: by fragments that spread others twice."""

from __future__ import annotations

from asking import UNLIMITED
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.execution.plan import FIELDS_MAX
from holdco.schema import schema
from stories import Story

LEVELS = 60


def doubling(levels: int) -> str:
    """Two to the power of `levels` names, and as many ids, in some hundred characters."""
    parts = [
        f"fragment F{number} on Customer {{ a: parent {{ id ...F{number + 1} }} b: parent {{ id ...F{number + 1} }} }}"
        for number in range(levels)
    ]
    start = '{ customer(by: {number: "1"}) { ...F0 } }'
    return " ".join([start, *parts, f"fragment F{levels} on Customer {{ name }}"])


async def test_fragments_that_double_are_followed_as_far_as_there_are_objects(context: Context, story: Story) -> None:
    top = await story.customer("Aldgate Networks", number="2")
    await story.customer("Lisbon", under=top, number="1")
    (plans,) = Documents(schema, limits=UNLIMITED).read(doubling(LEVELS)).plans.values()
    assert await plans.data(schema, context, None) is None
    found = {"id": top, "a": None, "b": None}
    assert await story.ask(doubling(LEVELS)) == {"customer": {"a": found, "b": found}}


async def test_as_many_fields_as_a_plan_may_have_are_planned_and_one_more_is_not(context: Context) -> None:
    for count, is_planned in ((FIELDS_MAX, True), (FIELDS_MAX + 1, False)):
        names = [f"a{number}" for number in range(count)]
        text = "{ " + " ".join(f"{name}: __typename" for name in names) + " }"
        (plans,) = Documents(schema, limits=UNLIMITED).read(text).plans.values()
        data = await plans.data(schema, context, None)
        assert data == (dict.fromkeys(names, "Query") if is_planned else None)
