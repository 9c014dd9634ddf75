"""What clients see of an error, what the log keeps, and that a context is closed whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import strawberry
from starlette.requests import Request
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from endpoint.misbehaving_server import SHARED_FAILURE, Ledger, post
from holdco.endpoint.errors import ErrorCode
from holdco.endpoint.view import Endpoint
from tokens import Anybody

Log = list[MutableMapping[str, Any]]


@pytest.fixture
def log() -> Iterator[Log]:
    with capture_logs(processors=[merge_contextvars]) as entries:
        yield entries


def masked_error(request_id: str, **where: Any) -> dict[str, Any]:
    return {
        "message": f"Something went wrong on our side. Quote request id {request_id} when you report it.",
        **where,
        "extensions": {"code": "INTERNAL_ERROR", "requestId": request_id},
    }


def test_a_defect_is_masked_logged_and_leaves_the_other_fields_alone(client: httpx.Client, log: Log) -> None:
    response = post(client, "{ hello defect }")
    request_id = response.headers["x-request-id"]
    assert response.status_code == 200
    assert response.json() == {
        "errors": [masked_error(request_id, locations=[{"line": 1, "column": 9}], path=["defect"])],
        "data": {"hello": "world", "defect": None},
    }
    (entry,) = log
    assert (entry["log_level"], entry["path"], entry["request_id"]) == ("error", ["defect"], request_id)
    assert entry["exc_info"] is SHARED_FAILURE


def test_a_defect_in_a_required_field_answers_null_data_with_200(client: httpx.Client) -> None:
    response = post(client, "{ hello requiredDefect }")
    assert response.status_code == 200
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "hunter2" not in response.text


def test_a_failure_shared_by_many_fields_is_logged_once_and_shown_at_each(client: httpx.Client, log: Log) -> None:
    response = post(client, "{ items { name price } }")
    assert response.json()["data"] == {"items": [{"name": "a", "price": None}, {"name": "b", "price": None}]}
    assert [error["path"] for error in response.json()["errors"]] == [["items", 0, "price"], ["items", 1, "price"]]
    assert len(log) == 1


def test_a_result_that_does_not_fit_its_type_is_a_defect_of_ours(client: httpx.Client, log: Log) -> None:
    response = post(client, "{ notItsType }")
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in response.text
    assert len(log) == 1


def test_our_own_errors_show_their_sentence_and_code_and_are_not_logged(client: httpx.Client, log: Log) -> None:
    response = post(client, "{ refused }")
    assert response.status_code == 200
    assert response.json() == {
        "errors": [
            {
                "message": "cus_1 is not the id of an invoice.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["refused"],
                "extensions": {"code": "BAD_USER_INPUT"},
            }
        ],
        "data": {"refused": None},
    }
    assert log == []


def test_a_graphql_error_that_brings_a_code_keeps_it(client: httpx.Client) -> None:
    (error,) = post(client, "{ coded }").json()["errors"]
    assert (error["message"], error["extensions"]) == ("Too many questions.", {"code": "THROTTLED"})


def test_an_argument_that_its_variable_leaves_empty_is_the_clients_error(client: httpx.Client, log: Log) -> None:
    response = post(client, "query Q($n: Int = 1) { double(number: $n) }", variables={"n": None})
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert log == []


def test_an_outage_before_the_operation_is_a_masked_500(client: httpx.Client, ledger: Ledger, log: Log) -> None:
    response = client.post("/graphql", json={"query": "{ hello }"}, headers={"x-test": "outage"})
    request_id = response.headers["x-request-id"]
    assert (response.status_code, response.json()) == (500, {"errors": [masked_error(request_id)]})
    assert [(entry["request_id"], entry["log_level"]) for entry in log] == [(request_id, "error")]
    assert ledger.opened == 0


def test_an_asker_who_is_refused_is_told_so_without_data(client: httpx.Client, log: Log) -> None:
    response = client.post(
        "/graphql",
        json={"query": "{ hello }"},
        headers={"x-test": "unknown", "accept": "application/graphql-response+json"},
    )
    assert (response.status_code, response.json()) == (
        400,
        {"errors": [{"message": "The token is not known.", "extensions": {"code": "BAD_USER_INPUT"}}]},
    )
    assert log == []


def test_a_future_cancelled_by_a_sibling_does_not_end_in_silence(client: httpx.Client, ledger: Ledger) -> None:
    response = post(client, "{ cancelledByASibling }")
    assert response.status_code == 500
    assert response.json() == {"errors": [masked_error(response.headers["x-request-id"])]}
    assert (ledger.opened, ledger.until_closed()) == (1, 1)


def test_each_request_has_an_id_of_its_own_which_the_context_knows(client: httpx.Client) -> None:
    first, second = post(client, "{ requestId }"), post(client, "{ requestId }")
    assert first.json()["data"]["requestId"] == first.headers["x-request-id"]
    assert second.json()["data"]["requestId"] == second.headers["x-request-id"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("document", ["{ hello }", "{ defect }", "{ requiredDefect }", "{ refused }", "mutation { add }"])
def test_the_context_is_closed_when_the_answer_is_sent(client: httpx.Client, ledger: Ledger, document: str) -> None:
    post(client, document)
    assert (ledger.opened, ledger.until_closed()) == (1, 1)


def test_a_context_that_fails_to_close_does_not_undo_the_answer(client: httpx.Client, ledger: Ledger, log: Log) -> None:
    response = client.post("/graphql", json={"query": "mutation { add }"}, headers={"x-test": "closing fails"})
    assert (response.status_code, response.json()) == (200, {"data": {"add": 1}})
    assert ledger.until_closed() == 1
    assert [entry["event"] for entry in log] == ["closing an operation's context failed"]


async def test_a_cancelled_request_closes_its_context() -> None:
    started, closed = asyncio.Event(), asyncio.Event()

    @strawberry.type
    class Query:
        @strawberry.field
        async def forever(self) -> str:
            started.set()
            return str(await asyncio.get_running_loop().create_future())

    class Context:
        async def close(self) -> None:
            await asyncio.sleep(0)
            closed.set()

    async def make_context(_: Request) -> Context:
        return Context()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: MutableMapping[str, Any]) -> None:
        pytest.fail("a cancelled request sends nothing")

    endpoint = Endpoint(strawberry.Schema(Query), make_context=make_context, authentication=Anybody())
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"query={forever}"}
    task = asyncio.create_task(endpoint(scope, receive, send))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()


def test_schema_extensions_are_refused_rather_than_skipped() -> None:
    @strawberry.type
    class Query:
        hello: str = "world"

    class Tracing(strawberry.extensions.SchemaExtension):
        pass

    async def make_context(_: Request) -> Any:
        raise AssertionError

    with pytest.raises(ValueError, match="no schema extensions"):
        Endpoint(strawberry.Schema(Query, extensions=[Tracing]), make_context=make_context, authentication=Anybody())


def test_every_code_has_a_status_and_a_meaning_of_its_own() -> None:
    assert {code.name: code.status for code in ErrorCode} == {
        "BAD_REQUEST": 400,
        "UNAUTHENTICATED": 401,
        "FORBIDDEN": 403,
        "INVITATION_NOT_VALID": 403,
        "IDENTITY_TAKEN": 409,
        "METHOD_NOT_ALLOWED": 405,
        "NOT_ACCEPTABLE": 406,
        "PAYLOAD_TOO_LARGE": 413,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "GRAPHQL_PARSE_FAILED": 400,
        "GRAPHQL_VALIDATION_FAILED": 400,
        "DOCUMENT_TOO_LARGE": 400,
        "DEPTH_EXCEEDED": 400,
        "ALIASES_EXCEEDED": 400,
        "DIRECTIVES_EXCEEDED": 400,
        "ROOT_FIELDS_EXCEEDED": 400,
        "REPETITIONS_EXCEEDED": 400,
        "LIST_TOO_LARGE": 400,
        "COST_EXCEEDED": 400,
        "INTROSPECTION_OFF": 400,
        "OPERATION_RESOLUTION_FAILURE": 400,
        "PERSISTED_QUERY_NOT_FOUND": 200,
        "PERSISTED_QUERY_NOT_SUPPORTED": 200,
        "PERSISTED_QUERY_HASH_MISMATCH": 400,
        "DOCUMENT_NOT_TRUSTED": 403,
        "CROSS_SITE_REQUEST": 403,
        "HOST_NOT_SERVED": 421,
        "BAD_USER_INPUT": 400,
        "INTERNAL_ERROR": 500,
        "THROTTLED": 503,
        "EXECUTION_TIMEOUT": 504,
        "STATEMENT_TIMEOUT": 504,
        "SERVICE_UNAVAILABLE": 503,
    }
    assert len({code.meaning for code in ErrorCode}) == len(ErrorCode)
