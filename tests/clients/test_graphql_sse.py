"""graphql-sse reads and listens in its distinct connections mode: a request, and a stream, for each operation."""

from __future__ import annotations

from typing import Any

from clients.documents import CREATE, CUSTOMER, UNKNOWN_FIELD, query
from clients.hearing import CHANGED, HEARD, heard
from clients.packages import ask
from stories import Story
from subscriptions.conftest import Server

STREAM = {"method": "POST", "accept": "text/event-stream", "status": 200, "contentType": "text/event-stream; charset=utf-8"}
REFUSED = {**STREAM, "status": 400, "contentType": "application/json; charset=utf-8"}


async def graphql_sse(server: Server, *operations: dict[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = await ask("graphql_sse.mjs", url=f"http://{server.host}/graphql", operations=operations)
    return results


def answered(*answers: dict[str, Any]) -> dict[str, Any]:
    """What a stream comes to that was opened and said no more than this."""
    return {"answers": list(answers), "errors": None, "refusal": None, "exchanges": [STREAM]}


async def test_graphql_sse_asks_and_writes(server: Server, story: Story) -> None:
    lisbon = await story.customer("Lisbon")
    asked, made = await graphql_sse(server, query(CUSTOMER, id=lisbon), query(CREATE, input={"name": "Porto", "number": "POR"}))
    assert asked == answered({"data": {"customer": {"id": lisbon, "name": "Lisbon"}}})
    assert made == answered({"data": {"customerCreate": {"customer": {"name": "Porto", "number": "POR"}, "userErrors": []}}})


async def test_graphql_sse_hears_a_mutation(server: Server, story: Story) -> None:
    head = await story.customer("Aldgate")
    (changed,) = await heard(server, story, head, graphql_sse(server, {**query(CHANGED, id=head), "count": 1}))
    assert changed == answered({"data": HEARD})


async def test_graphql_sse_reads_in_its_stream_what_is_wrong_with_a_document(server: Server, story: Story) -> None:
    before = await story.everything()
    document, variable, subscription = await graphql_sse(
        server, query(UNKNOWN_FIELD), query(CUSTOMER), query(CHANGED, id="nonsense")
    )
    for result, code in ((document, "GRAPHQL_VALIDATION_FAILED"), (variable, "BAD_USER_INPUT"), (subscription, "BAD_USER_INPUT")):
        (answer,) = result["answers"]
        assert result == answered(answer)
        assert answer.keys() == {"errors"}
        assert [error["extensions"] for error in answer["errors"]] == [{"code": code}]
    assert server.hub.subscriber_count == 0
    assert await story.everything() == before


async def test_graphql_sse_is_refused_before_there_is_a_stream_when_it_sends_no_request(server: Server) -> None:
    (refused,) = await graphql_sse(server, {"query": CHANGED, "variables": "none"})
    assert (refused["answers"], refused["errors"], refused["exchanges"]) == ([], None, [REFUSED])
    assert [error["extensions"] for error in refused["refusal"]["errors"]] == [{"code": "BAD_REQUEST"}]
    assert server.hub.subscriber_count == 0
