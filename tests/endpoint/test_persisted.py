"""Documents by name: automatic persisted queries as Apollo's clients send them, and trusted documents in every mode."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from structlog.testing import capture_logs

from endpoint.misbehaving_server import Ledger, make_endpoint, serve
from holdco.endpoint.persisted import Texts
from holdco.settings import DocumentsMode

RELAY = "query Relay($number: Int!) { double(number: $number) }"
APOLLO = "query Apollo { hello }"
CODEGEN = "mutation Codegen { add(by: 5) }"
UNKNOWN = "query Unknown { hello }"
MANIFESTS: dict[str, Any] = {
    "relay.json": {"0123456789abcdef0123456789abcdef": RELAY},
    "apollo.json": {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": "apollo-1", "name": "Apollo", "type": "query", "body": APOLLO}],
    },
    "codegen.json": {"sha1-of-codegen": CODEGEN},
}
NOT_FOUND = {"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]}
MODES = [mode.value for mode in DocumentsMode]


def write(folder: Path, manifests: dict[str, Any]) -> Path:
    for name, manifest in manifests.items():
        (folder / name).write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A server with an endpoint for each mode, at the path of its name, with the trusted documents above."""
    folder = write(tmp_path, MANIFESTS)
    endpoints = {mode: make_endpoint(documents_mode=mode, trusted_documents=folder) for mode in DocumentsMode}
    for address in serve(Starlette(routes=[Route(f"/{mode}", endpoint) for mode, endpoint in endpoints.items()])):
        with httpx.Client(base_url=address, trust_env=False) as http:
            yield http


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def apollo(name: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": name}}


def get(client: httpx.Client, mode: str, **parameters: Any) -> httpx.Response:
    """Objects are JSON in a URL."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in parameters.items()}
    return client.get(f"/{mode}", params=texts)


def post(client: httpx.Client, mode: str, **parameters: Any) -> httpx.Response:
    return client.post(f"/{mode}", json=parameters)


def code(response: httpx.Response) -> str:
    body = response.json()
    assert list(body) == ["errors"]
    (error,) = body["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("mode", ["apq", "log"])
@pytest.mark.parametrize("media_type", ["application/json", "application/graphql-response+json"])
def test_a_hash_is_asked_for_its_text_once_and_is_enough_from_then_on(
    client: httpx.Client, ledger: Ledger, mode: str, media_type: str
) -> None:
    client.headers["accept"] = media_type
    text = "query Hello($n: Int!) { hello double(number: $n) }"
    by_hash = {"extensions": apollo(hash_of(text)), "variables": {"n": 4}, "operationName": "Hello"}
    for unknown in (post(client, mode, **by_hash), get(client, mode, **by_hash)):
        assert (unknown.status_code, unknown.json()) == (200, NOT_FOUND)
        assert unknown.headers["cache-control"] == "no-store"
    assert ledger.opened == 0
    answer = {"data": {"hello": "world", "double": 8}}
    assert post(client, mode, query=text, **by_hash).json() == answer
    assert post(client, mode, **by_hash).json() == answer
    assert get(client, mode, **by_hash).json() == answer
    assert post(client, mode, documentId=f"sha256:{hash_of(text)}", variables={"n": 4}).json() == answer
    assert get(client, mode, documentId=f"sha256:{hash_of(text)}", variables={"n": 4}).json() == answer


def test_a_text_is_registered_by_get_and_by_its_document_id_as_well(client: httpx.Client) -> None:
    first, second = "query A { hello }", "query B { hello }"
    answer = {"data": {"hello": "world"}}
    assert get(client, "apq", query=first, extensions=apollo(hash_of(first))).json() == answer
    assert post(client, "apq", extensions=apollo(hash_of(first))).json() == answer
    assert post(client, "apq", query=second, documentId=f"sha256:{hash_of(second)}").json() == answer
    assert post(client, "apq", extensions=apollo(hash_of(second))).json() == answer


@pytest.mark.parametrize("mode", ["apq", "log", "require"])
def test_a_hash_that_is_not_that_of_the_text_is_refused_and_keeps_nothing(
    client: httpx.Client, ledger: Ledger, mode: str
) -> None:
    wrong = hash_of("query Other { hello }")
    for name in ({"extensions": apollo(wrong)}, {"documentId": f"sha256:{wrong}"}, {"documentId": "apollo-1"}):
        response = post(client, mode, query=CODEGEN, **name)
        assert (response.status_code, code(response)) == (400, "PERSISTED_QUERY_HASH_MISMATCH")
    after = post(client, mode, extensions=apollo(wrong))
    assert code(after) == ("DOCUMENT_NOT_TRUSTED" if mode == "require" else "PERSISTED_QUERY_NOT_FOUND")
    assert (ledger.opened, ledger.added) == (0, 0)


def test_a_text_that_is_not_valid_is_not_kept(client: httpx.Client, ledger: Ledger) -> None:
    text = "{ missing }"
    assert code(post(client, "apq", query=text, extensions=apollo(hash_of(text)))) == "GRAPHQL_VALIDATION_FAILED"
    assert post(client, "apq", extensions=apollo(hash_of(text))).json() == NOT_FOUND
    assert ledger.opened == 0


@pytest.mark.parametrize(
    "parameters",
    [
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": {"persistedQuery": []}},
        {"extensions": {"persistedQuery": {}}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "00"}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}},
        {"documentId": 7},
        {"documentId": ["apollo-1"]},
        {"documentId": ""},
        {"extensions": {"persistedQuery": None}},
    ],
    ids=json.dumps,
)
def test_what_is_no_name_is_a_bad_request(client: httpx.Client, ledger: Ledger, parameters: dict[str, Any]) -> None:
    response = post(client, "apq", **parameters)
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert ledger.opened == 0


def test_other_extensions_are_no_name(client: httpx.Client) -> None:
    assert post(client, "apq", query=APOLLO, extensions={"trace": True}).json() == {"data": {"hello": "world"}}


@pytest.mark.parametrize("media_type", ["application/json", "application/graphql-response+json"])
def test_a_name_that_is_not_known_is_a_question_in_every_media_type(client: httpx.Client, media_type: str) -> None:
    client.headers["accept"] = media_type
    for response in (post(client, "apq", extensions=apollo("0" * 64)), get(client, "apq", documentId="unknown")):
        assert (response.status_code, response.json()) == (200, NOT_FOUND)
        assert response.headers["content-type"] == f"{media_type}; charset=utf-8"


@pytest.mark.parametrize("media_type", ["application/json", "application/graphql-response+json"])
def test_off_takes_texts_only_and_says_so_as_apollos_clients_expect(
    client: httpx.Client, ledger: Ledger, media_type: str
) -> None:
    client.headers["accept"] = media_type
    for name in ({"extensions": apollo(hash_of(APOLLO))}, {"documentId": "apollo-1"}):
        for response in (post(client, "off", **name), get(client, "off", **name)):
            assert response.status_code == 200
            assert response.json() == {
                "errors": [{"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}]
            }
    assert ledger.opened == 0
    for ignored in ({"extensions": apollo("00")}, {"extensions": {"persistedQuery": "x"}}, {"documentId": "apollo-1"}):
        assert post(client, "off", query=UNKNOWN, **ignored).json() == {"data": {"hello": "world"}}


@pytest.mark.parametrize("mode", ["apq", "log", "require"])
def test_the_documents_of_every_manifest_are_found_by_their_ids_and_by_their_hashes(
    client: httpx.Client, ledger: Ledger, mode: str
) -> None:
    relay = {"variables": {"number": 21}}
    for name in (
        {"documentId": "0123456789abcdef0123456789abcdef"},
        {"documentId": f"sha256:{hash_of(RELAY)}"},
        {"extensions": apollo("0123456789abcdef0123456789abcdef")},
        {"extensions": apollo(hash_of(RELAY))},
    ):
        assert post(client, mode, **name, **relay).json() == {"data": {"double": 42}}
        assert get(client, mode, **name, **relay).json() == {"data": {"double": 42}}
    for name in ({"documentId": "apollo-1"}, {"extensions": apollo("apollo-1")}):
        assert post(client, mode, **name).json() == {"data": {"hello": "world"}}
        assert post(client, mode, query=APOLLO, **name).json() == {"data": {"hello": "world"}}
    assert ledger.added == 0
    assert post(client, mode, documentId="sha1-of-codegen").json() == {"data": {"add": 5}}
    refused = get(client, mode, documentId="sha1-of-codegen")
    assert (refused.status_code, code(refused), ledger.added) == (405, "METHOD_NOT_ALLOWED", 5)


def test_require_refuses_every_other_document_and_does_nothing(client: httpx.Client, ledger: Ledger) -> None:
    other = "mutation Other { add(by: 7) }"
    for name in ({}, {"extensions": apollo(hash_of(other))}):
        response = post(client, "require", query=other, **name)
        assert (response.status_code, code(response)) == (403, "DOCUMENT_NOT_TRUSTED")
    for response in (
        post(client, "require", query="{ __schema { queryType { name } } }"),
        post(client, "require", query="not GraphQL"),
        get(client, "require", query=UNKNOWN),
        post(client, "require", documentId="unknown"),
        get(client, "require", extensions=apollo(hash_of(UNKNOWN))),
    ):
        assert (response.status_code, code(response)) == (403, "DOCUMENT_NOT_TRUSTED")
    assert (ledger.opened, ledger.added) == (0, 0)
    # Not even read: the server has read its manifests, and nothing since.
    assert set(ledger.validations) == {RELAY, APOLLO, CODEGEN}


def test_require_executes_a_trusted_text_that_is_sent_in_full(client: httpx.Client) -> None:
    assert post(client, "require", query=APOLLO).json() == {"data": {"hello": "world"}}


def test_log_executes_everything_and_tells_once_of_each_document_that_is_not_trusted(client: httpx.Client) -> None:
    with capture_logs() as entries:
        for _ in range(3):
            assert post(client, "log", query=UNKNOWN).json() == {"data": {"hello": "world"}}
        assert post(client, "log", query=UNKNOWN, extensions=apollo(hash_of(UNKNOWN))).status_code == 200
        assert post(client, "log", extensions=apollo(hash_of(UNKNOWN))).status_code == 200
        assert post(client, "log", query=APOLLO).json() == {"data": {"hello": "world"}}
        assert code(post(client, "log", query="{ missing }")) == "GRAPHQL_VALIDATION_FAILED"
    assert entries == [
        {"event": "document is not trusted", "log_level": "warning", "document": hash_of(UNKNOWN), "operations": ["Unknown"]}
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_request_without_text_and_without_name_is_a_bad_request_in_every_mode(
    client: httpx.Client, ledger: Ledger, mode: str
) -> None:
    for response in (post(client, mode), get(client, mode), post(client, mode, query="", documentId=None)):
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert ledger.opened == 0


def test_the_text_used_longest_ago_makes_room() -> None:
    texts = Texts(texts_max=2, characters_max=100)
    assert [texts.keep("a", "A" * 10), texts.keep("b", "B" * 10), texts.keep("a", "A" * 10)] == [True, True, False]
    assert texts.keep("c", "C" * 10)
    assert (texts.get("a"), texts.get("b"), texts.get("c")) == ("A" * 10, None, "C" * 10)


def test_long_texts_make_room_too_and_the_longest_are_not_kept() -> None:
    texts = Texts(texts_max=10, characters_max=100)
    assert texts.keep("a", "A" * 60)
    assert texts.keep("b", "B" * 60)
    assert (texts.get("a"), texts.get("b"), len(texts)) == (None, "B" * 60, 1)
    assert not texts.keep("c", "C" * 101)
    assert (texts.get("b"), texts.get("c"), len(texts)) == ("B" * 60, None, 1)
