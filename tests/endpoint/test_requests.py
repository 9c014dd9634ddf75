"""Which requests are executed, which are refused, and how: each refusal has a code, no data, and did nothing."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from endpoint.misbehaving_server import BODY_BYTES_MAX, Ledger, post

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


def refusal(response: httpx.Response) -> str:
    """The code of the only error of a request that was not executed."""
    body = response.json()
    assert list(body) == ["errors"]
    (error,) = body["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'"x"',
        b"123",
        b"null",
        b"true",
        b"[]",
        b'[{"query": "{ hello }"}]',
        b'{"query": "{ hello }"',
        b'{"query": "{ hello }"} trailing',
        b'{"query": "\xff\xfe"}',
        b"\xef\xbb\xbf{}",
        b'{"query": "\\ud800"}',
        b'{"query": NaN}',
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": ["{ hello }"]}',
        b'{"query": {"text": "{ hello }"}}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": 0}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "{ hello }", "operationName": {}}',
        b'{"query": "{ hello }", "extensions": "x"}',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"query": "{ hello }", "variables": ' + b'{"a":' * 30_000 + b"1" + b"}" * 30_000 + b"}",
    ],
    ids=lambda body: body[:50].decode("latin-1"),
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
def test_a_body_that_is_no_graphql_request_is_a_bad_request(
    client: httpx.Client, ledger: Ledger, body: bytes, accept: str
) -> None:
    response = client.post("/graphql", content=body, headers={"content-type": JSON, "accept": accept})
    assert (response.status_code, refusal(response)) == (400, "BAD_REQUEST")
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert ledger.opened == 0


@pytest.mark.parametrize("field", ["variables", "extensions", "operationName"])
def test_null_is_the_same_as_absent(client: httpx.Client, field: str) -> None:
    assert post(client, "{ hello }", **{field: None}).json() == {"data": {"hello": "world"}}


def test_an_empty_operation_name_is_the_same_as_none(client: httpx.Client) -> None:
    assert post(client, "{ hello }", operationName="").json() == {"data": {"hello": "world"}}


def test_unknown_keys_are_ignored(client: httpx.Client) -> None:
    response = post(client, "{ hello }", id="17", doc_id=3)
    assert response.json() == {"data": {"hello": "world"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/graphql",
        "application/graphql+json",
        "application/json, text/plain",
        "application/json; charset=utf-16",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_not_read(client: httpx.Client, ledger: Ledger, content_type: str) -> None:
    response = client.post("/graphql", content=b'{"query": "{ hello }"}', headers={"content-type": content_type})
    assert (response.status_code, refusal(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert ledger.opened == 0


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=UTF-8", 'application/json;charset="utf-8"'])
def test_a_body_may_say_that_it_is_utf8(client: httpx.Client, content_type: str) -> None:
    response = client.post("/graphql", content=b'{"query": "{ hello }"}', headers={"content-type": content_type})
    assert response.json() == {"data": {"hello": "world"}}


def test_a_body_may_have_as_many_bytes_as_are_allowed_and_not_one_more(client: httpx.Client, ledger: Ledger) -> None:
    body = b'{"query": "{ hello }"}'
    headers = {"content-type": JSON}
    allowed = client.post("/graphql", content=body.ljust(BODY_BYTES_MAX), headers=headers)
    assert allowed.json() == {"data": {"hello": "world"}}
    too_large = client.post("/graphql", content=body.ljust(BODY_BYTES_MAX + 1), headers=headers)
    assert (too_large.status_code, refusal(too_large)) == (413, "PAYLOAD_TOO_LARGE")
    assert ledger.opened == 1


def test_a_body_of_undeclared_length_is_bounded_too(client: httpx.Client, ledger: Ledger) -> None:
    chunks = (b" " * 1024 for _ in range(10 * 1024))
    response = client.post("/graphql", content=chunks, headers={"content-type": JSON})
    assert (response.status_code, refusal(response)) == (413, "PAYLOAD_TOO_LARGE")
    assert ledger.opened == 0
    assert post(client, "{ hello }").json() == {"data": {"hello": "world"}}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PURGE"])
def test_other_methods_are_answered_with_the_allowed_ones(client: httpx.Client, ledger: Ledger, method: str) -> None:
    response = client.request(method, "/graphql", params={"query": "{ hello }"})
    assert (response.status_code, refusal(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert ledger.opened == 0


def test_options_tells_the_methods_and_does_nothing(client: httpx.Client, ledger: Ledger) -> None:
    response = client.options("/graphql", params={"query": "{ hello }"})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert ledger.opened == 0


@pytest.mark.parametrize(("query", "status"), [("{ hello }", 200), ("{ hello", 200), ("", 400), ("mutation { add }", 405)])
def test_head_is_answered_as_get_is_but_without_the_body(client: httpx.Client, ledger: Ledger, query: str, status: int) -> None:
    answers = [client.request(method, "/graphql", params={"query": query}) for method in ("GET", "HEAD")]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[1].content == b""
    headers = [dict(answer.headers) for answer in answers]
    assert all(each.pop("x-request-id") and each.pop("date") for each in headers)
    assert headers[0] == headers[1]
    assert ledger.added == 0


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "gzip, identity", "unheard-of"])
def test_a_compressed_body_is_not_read(client: httpx.Client, ledger: Ledger, encoding: str) -> None:
    body = b'{"query": "{ hello }"}'
    headers = {"content-type": JSON, "content-encoding": encoding}
    response = client.post("/graphql", content=gzip.compress(body), headers=headers)
    assert (response.status_code, refusal(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept-encoding"] == "identity"
    assert ledger.opened == 0
    plain = client.post("/graphql", content=body, headers={"content-type": JSON, "content-encoding": "identity"})
    assert plain.json() == {"data": {"hello": "world"}}


def test_a_query_is_answered_by_get_with_variables_as_json(client: httpx.Client) -> None:
    response = client.get(
        "/graphql",
        params={
            "query": "query D($n: Int!) { double(number: $n) } query H { hello }",
            "operationName": "D",
            "variables": '{"n": 4}',
        },
    )
    assert (response.status_code, response.json()) == (200, {"data": {"double": 8}})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"query": ""},
        {"query": "{ hello }", "variables": "n=4"},
        {"query": "{ hello }", "variables": "[4]"},
        {"query": "{ hello }", "variables": '"n"'},
        {"query": "{ hello }", "extensions": "x"},
        {"query": "{ hello }", "variables": "[" * 20_000},
    ],
    ids=lambda params: json.dumps(params)[:60],
)
def test_a_url_that_is_no_graphql_request_is_a_bad_request(client: httpx.Client, ledger: Ledger, params: dict[str, str]) -> None:
    response = client.get("/graphql", params=params)
    assert (response.status_code, refusal(response)) == (400, "BAD_REQUEST")
    assert ledger.opened == 0


def test_a_mutation_is_refused_by_get_and_nothing_is_added(client: httpx.Client, ledger: Ledger) -> None:
    response = client.get("/graphql", params={"query": "mutation { add }"})
    assert (response.status_code, refusal(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"
    assert (ledger.added, ledger.opened) == (0, 0)
    assert post(client, "mutation { add(by: 5) }").json() == {"data": {"add": 5}}


@pytest.mark.parametrize("name", [None, "", "Unknown"])
def test_of_several_operations_none_is_executed_unless_one_is_named(
    client: httpx.Client, ledger: Ledger, name: str | None
) -> None:
    document = "mutation First { add } mutation Second { add(by: 2) }"
    response = post(client, document, operationName=name)
    assert refusal(response) == "OPERATION_RESOLUTION_FAILURE"
    assert ledger.added == 0
    assert post(client, document, operationName="Second").json() == {"data": {"add": 2}}


def test_a_name_that_the_only_operation_does_not_have_is_refused(client: httpx.Client, ledger: Ledger) -> None:
    assert refusal(post(client, "mutation { add }", operationName="Add")) == "OPERATION_RESOLUTION_FAILURE"
    assert refusal(post(client, "mutation Add { add }", operationName="add")) == "OPERATION_RESOLUTION_FAILURE"
    assert ledger.added == 0


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"query": "{ hello"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{" * 100_000}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ hello(a: " + "[" * 100_000}, "DOCUMENT_TOO_LARGE"),
        ({"query": "{ missing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "fragment F on Query { hello }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ ...F } fragment F on Query { ...F }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": 'mutation { add(by: "1") }'}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { hello }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { hello } query B { hello }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "mutation M($by: Int!) { add(by: $by) }"}, "BAD_USER_INPUT"),
        ({"query": "mutation M($by: Int!) { add(by: $by) }", "variables": {"by": "1"}}, "BAD_USER_INPUT"),
        ({"query": "mutation M($by: Int!) { add(by: $by) }", "variables": {"by": 1e100}}, "BAD_USER_INPUT"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_graphql_itself_refuses_is_400_for_its_own_media_type_and_200_for_json(
    client: httpx.Client, ledger: Ledger, parameters: dict[str, Any], code: str
) -> None:
    modern = client.post("/graphql", json=parameters, headers={"accept": GRAPHQL_RESPONSE})
    assert (modern.status_code, refusal(modern)) == (400, code)
    legacy = client.post("/graphql", json=parameters, headers={"accept": JSON})
    assert (legacy.status_code, refusal(legacy)) == (200, code)
    assert (ledger.added, ledger.opened) == (0, ledger.until_closed())


def test_every_validation_error_is_told_with_its_place(client: httpx.Client) -> None:
    response = post(client, "{ one\n  two }")
    assert response.json() == {
        "errors": [
            {
                "message": "Cannot query field 'one' on type 'Query'.",
                "locations": [{"line": 1, "column": 3}],
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            },
            {
                "message": "Cannot query field 'two' on type 'Query'.",
                "locations": [{"line": 2, "column": 3}],
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            },
        ]
    }


def test_a_document_is_validated_once_however_often_it_is_sent(client: httpx.Client, ledger: Ledger) -> None:
    document = "query Once($n: Int!) { double(number: $n) }"
    answers = [post(client, document, variables={"n": n}).json()["data"]["double"] for n in range(5)]
    assert answers == [0, 2, 4, 6, 8]
    assert ledger.validations == [document]
