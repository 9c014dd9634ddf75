"""Requests that no client sends: bytes that are hardly HTTP, bodies that are hardly JSON, documents made to exhaust.

None of them makes a 500, changes anything, or stops the server from answering the next one. `tests/endpoint/test_requests.py`
has the rules for what clients do send.
"""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import httpx
import orjson

from conftest import Client
from stories import Story

DOCUMENT = "{ organization { name } }"
BODY = orjson.dumps({"query": DOCUMENT})
ASKED = b"/graphql?query=%7Borganization%7Bname%7D%7D"
# What a server answers that could not even read the request.
NO_HTTP = (400, [])


def post(body: bytes = BODY, *headers: bytes, method: bytes = b"POST", media_type: bytes = b"application/json") -> bytes:
    return head(method, b"/graphql", b"content-type: " + media_type, b"content-length: %d" % len(body), *headers) + body


def streamed(body: bytes, *headers: bytes) -> bytes:
    """A POST that says nothing of its length but what `headers` do."""
    return head(b"POST", b"/graphql", b"content-type: application/json", *headers) + body


def get(target: bytes) -> bytes:
    return head(b"GET", target, b"apollo-require-preflight: true")


def head(method: bytes, target: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"host: localhost", b"connection: close", *headers, b"", b""])


async def answer(client: Client, request: bytes) -> tuple[int, list[str]]:
    """The status and the codes of the errors. Everything says `connection: close`, so the answer ends with it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.http.base_url.port)
    try:
        shown = b"host: localhost\r\nauthorization: " + client.http.headers["authorization"].encode() + b"\r\n"
        writer.write(request.replace(b"host: localhost\r\n", shown, 1))
        response = await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
    status, _, content = response.partition(b"\r\n\r\n")
    body = orjson.loads(content) if content.startswith(b"{") else {}
    return int(status.split(b" ")[1]), [error["extensions"]["code"] for error in body.get("errors", ())]


EXECUTED: tuple[int, list[str]] = (200, [])
BAD = (400, ["BAD_REQUEST"])
NOT_ALLOWED = (405, ["METHOD_NOT_ALLOWED"])
NOT_FOUND = (404, [])
UNSUPPORTED = (415, ["UNSUPPORTED_MEDIA_TYPE"])
UNPARSED = (200, ["GRAPHQL_PARSE_FAILED"])
NOT_ACCEPTABLE = (406, ["NOT_ACCEPTABLE"])

REQUESTS: dict[str, tuple[bytes, tuple[int, list[str]]]] = {
    "no HTTP: the old one without headers": (b"GET /graphql\r\n\r\n", (401, ["UNAUTHENTICATED"])),
    "no HTTP: version 2 from the start": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NO_HTTP),
    "no HTTP: a version of the future": (post().replace(b"HTTP/1.1", b"HTTP/3.0"), NO_HTTP),
    "no HTTP: a TLS handshake": (bytes.fromhex("16030100a5010000a10303"), NO_HTTP),
    "empty lines first": (b"\r\n\r\n\r\n" + post(), EXECUTED),
    "method: unknown": (post(method=b"BREW"), NO_HTTP),
    "method: lower case": (post(method=b"post"), NO_HTTP),
    "method: TRACE": (post(method=b"TRACE"), NOT_ALLOWED),
    "method: PROPFIND": (post(method=b"PROPFIND"), NOT_ALLOWED),
    "header: without a colon": (post(BODY, b"nonsense"), NO_HTTP),
    "header: a zero byte": (post(BODY, b"x: a\0b"), NO_HTTP),
    "header: a space in its name": (post(BODY, b"x y: 1"), NO_HTTP),
    "header: a hundred of them": (post(BODY, *(b"x-%d: y" % number for number in range(100))), EXECUTED),
    "accept: bytes": (post(BODY, b"accept: \xff\xfe;;;,,q=q"), NOT_ACCEPTABLE),
    "accept: thousands of types": (post(BODY, b"accept: " + b"a/b," * 3_000), NOT_ACCEPTABLE),
    "accept-encoding: nonsense": (post(BODY, b"accept-encoding: gzip;q=\xff, *;q=1.1.1,,,"), EXECUTED),
    "content-type: twice": (post(BODY, b"content-type: text/plain"), EXECUTED),
    "content-type: bytes": (post(media_type=b"application/json; charset=\xff"), UNSUPPORTED),
    "content-type: a thousand parameters": (post(media_type=b"application/json;" + b"a=b;" * 1_000), EXECUTED),
    "content-encoding: gzip": (post(gzip.compress(BODY), b"content-encoding: gzip"), (415, ["UNSUPPORTED_MEDIA_TYPE"])),
    "length: less than none": (streamed(BODY, b"content-length: -1"), NO_HTTP),
    "length: a word": (streamed(BODY, b"content-length: many"), NO_HTTP),
    "length: beyond 64 bits": (streamed(BODY, b"content-length: 99999999999999999999999999"), NO_HTTP),
    "length: a digit of another script": (streamed(BODY, b"content-length: \xb2"), NO_HTTP),
    "length: two": (post(BODY, b"content-length: 3"), NO_HTTP),
    "length: 10 MB that never come": (streamed(BODY, b"content-length: 10485760"), (413, ["PAYLOAD_TOO_LARGE"])),
    "chunks: of no length": (streamed(b"zz\r\n", b"transfer-encoding: chunked"), NO_HTTP),
    "chunks: and a length": (post(b"5\r\nhello\r\n0\r\n\r\n", b"transfer-encoding: chunked"), NO_HTTP),
    "chunks: of another coding": (post(BODY, b"transfer-encoding: gzip"), NO_HTTP),
    "path: a zero": (get(b"/graphql%00?query=%7Bx%7D"), NOT_FOUND),
    "path: bytes": (get(b"/\xff\xfe"), NO_HTTP),
    "path: encoded bytes": (get(b"/%ff%fe"), NOT_FOUND),
    "path: up and down": (get(b"/graphql/../graphql?query=%7Bx%7D"), NOT_FOUND),
    "path: two slashes": (get(b"//graphql?query=%7Bx%7D"), NOT_FOUND),
    "path: everything": (head(b"OPTIONS", b"*"), NOT_FOUND),
    "URL: 200 kB": (get(ASKED + b"%20" * 70_000), NO_HTTP),
    "query: half an escape": (get(b"/graphql?query=%"), UNPARSED),
    "query: escaped bytes": (get(b"/graphql?query=%ff%fe"), UNPARSED),
    "query: a surrogate": (get(b"/graphql?query=%ED%A0%80"), UNPARSED),
    "query: bytes": (get(b"/graphql?query=\xff\xfe"), NO_HTTP),
    "query: a zero": (get(ASKED + b"%00"), UNPARSED),
    "query: an array": (get(b"/graphql?query[]=%7Bx%7D"), BAD),
    "query: a name alone": (get(b"/graphql?query"), BAD),
    "query: two, of which the last counts": (get(b"/graphql?query=%7B&" + ASKED.partition(b"?")[2]), EXECUTED),
    "query: beside thousands of others": (get(ASKED + b"&a=b" * 5_000), EXECUTED),
    "variables in the URL: a zero": (get(ASKED + b"&variables=%00"), BAD),
    "variables in the URL: bytes": (get(ASKED + b"&variables=%ff"), BAD),
    "variables in the URL: no number": (get(ASKED + b"&variables=NaN"), BAD),
    "variables in the URL: infinity": (get(ASKED + b"&variables=%7B%22a%22:1e999%7D"), BAD),
    "variables in the URL: a surrogate": (get(ASKED + b"&variables=%7B%22a%22:%22%5Cud800%22%7D"), BAD),
    "variables in the URL: 5,000 digits": (get(ASKED + b"&variables=%7B%22a%22:" + b"9" * 5_000 + b"%7D"), BAD),
    "operationName in the URL: a surrogate": (get(ASKED + b"&operationName=%ED%A0%80"), (200, ["OPERATION_RESOLUTION_FAILURE"])),
    "body: zeros": (post(b"\0" * 100), BAD),
    "body: UTF-16": (post(BODY.decode().encode("utf-16")), BAD),
    "body: UTF-32": (post(BODY.decode().encode("utf-32")), BAD),
    "body: a form": (post(b"query=%7Borganization%7Bname%7D%7D"), BAD),
    "body: a comment": (post(b'{/* */ "query": "{ organization { name } }"}'), BAD),
    "body: single quotes": (post(b"{'query': '{ organization { name } }'}"), BAD),
    "body: a comma too many": (post(b'{"query": "{ organization { name } }",}'), BAD),
    "body: a line break in a string": (post(b'{"query": "{ organization\n{ name } }"}'), BAD),
    "body: a surrogate for a name": (post(b'{"query": "{ organization { name } }", "\\ud800": 1}'), BAD),
    "body: 5,000 digits": (post(b'{"query": "{ organization { name } }", "variables": {"a": ' + b"9" * 5_000 + b"}}"), BAD),
    "body: infinity": (post(b'{"query": "{ organization { name } }", "variables": {"a": 1e999}}'), BAD),
    "body: the same name twice, of which the last counts": (post(b'{"query": "{", ' + BODY[1:]), EXECUTED),
    "body: 50,000 names": (post(orjson.dumps({"query": DOCUMENT} | {f"k{n}": n for n in range(50_000)})), EXECUTED),
    "body: 50,000 variables": (
        post(orjson.dumps({"query": DOCUMENT, "variables": {f"k{n}": n for n in range(50_000)}})),
        EXECUTED,
    ),
    "body: a prototype": (post(orjson.dumps({"query": DOCUMENT, "variables": {"__proto__": {"a": 1}}})), EXECUTED),
    "body: a name of 900 kB": (
        post(orjson.dumps({"query": DOCUMENT, "operationName": "x" * 900_000})),
        (200, ["OPERATION_RESOLUTION_FAILURE"]),
    ),
}


async def test_whatever_comes_over_a_connection_is_answered_and_changes_nothing(client: Client, story: Story) -> None:
    before = await story.everything()
    answers = {name: await answer(client, request) for name, (request, _) in REQUESTS.items()}
    assert answers == {name: expected for name, (_, expected) in REQUESTS.items()}
    assert await story.everything() == before


async def test_a_request_of_half_a_body_is_given_up_and_the_next_one_answered(client: Client) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", client.http.base_url.port)
    writer.write(post()[:-5])
    writer.close()
    await writer.wait_closed()
    assert await answer(client, post()) == EXECUTED


def nested(before: str, within: str, after: str, times: int = 5_000) -> str:
    return before * times + within + after * times


DOCUMENTS: dict[str, str] = {
    "fields, 5,000 deep": f'{{ customer(by: {{number: "1"}}) {nested("{ parent ", "{ id }", "}")} }}',
    "connections, 5,000 deep": f"{{ customers {nested('{ nodes { children ', '{ totalCount }', '} }')} }}",
    "introspection, 5,000 deep": f"{{ __schema {{ types {nested('{ fields { type ', '{ name }', '} }')} }} }}",
    "inline fragments, 5,000 deep": nested("{ ... ", DOCUMENT, "}"),
    "a list, 5,000 deep": f"{{ node(id: {nested('[', '', ']')}) {{ id }} }}",
    "an object, 5,000 deep": f"{{ customer(by: {nested('{number: ', '1', '}')}) {{ id }} }}",
    "a type, 5,000 deep": f"query ($a: {nested('[', 'ID', ']')}) {DOCUMENT}",
    "fragments, each in the next": "{ ...F0 } "
    + " ".join(f"fragment F{number} on Query {{ ...F{number + 1} }}" for number in range(5_000))
    + f" fragment F5000 on Query {DOCUMENT}",
    "fragments in a circle": "{ ...F0 } "
    + " ".join(f"fragment F{number} on Query {{ ...F{(number + 1) % 1_000} }}" for number in range(1_000)),
    "fragments that nobody uses": DOCUMENT + " ".join(f"fragment F{number} on Query {DOCUMENT}" for number in range(500)),
    "aliases": "{ " + " ".join(f"a{number}: organization {{ name }}" for number in range(1_000)) + " }",
    "one field, again and again": "{ organization { " + "name " * 3_000 + "} }",
    "arguments that conflict": "{ " + " ".join(f"customers(first: {number}) {{ totalCount }}" for number in range(300)) + " }",
    "directives": "{ organization " + "@include(if: true) " * 2_000 + "{ name } }",
    "directives that there are not": "{ organization " + "@a" * 2_000 + " { name } }",
    "variables": "query (" + " ".join(f"$a{number}: ID" for number in range(1_000)) + f") {DOCUMENT}",
    "a variable twice": f"query ($a: ID, $a: ID) {DOCUMENT}",
    "an integer of 5,000 digits": f"{{ customers(first: {'9' * 5_000}) {{ totalCount }} }}",
    "an id of 5,000 digits": f"{{ node(id: {'9' * 5_000}) {{ id }} }}",
    "an infinite id": "{ node(id: 1e999) { id } }",
    "an infinite amount": '{ allocationPreview(input: {sourceId: "pay_1", amountMax: 1e999}) { allocated } }',
    "a surrogate in a string": '{ node(id: "\\uD800") { id } }',
    "a character beyond all": '{ node(id: "\\u{110000}") { id } }',
    "a zero between names": "{ organization\0 { name } }",
    "a name of 900 kB": "{ " + "a" * 900_000 + " }",
    "nothing but commas": "," * 900_000,
    "nothing but a comment": "# nothing",
    "a schema": "type Query { a: Int }",
    "more of a schema": "extend type Query { a: Int } { a }",
    "a fragment with variables": "{ ...F(a: 1) } fragment F($a: Int) on Query { organization { name } }",
    "a null that is refused": "{ organization! { name } }",
    "a prototype": "{ __proto__ { constructor } }",
}


async def test_no_document_makes_a_500_or_takes_the_server_with_it(client: Client, story: Story) -> None:
    before = await story.everything()
    for name, document in DOCUMENTS.items():
        response = await client.http.post("/graphql", json={"query": document}, headers={"accept": "application/json"})
        codes = codes_of(response)
        assert (name, response.status_code < 500, "INTERNAL_ERROR" in codes) == (name, True, False)
        assert len(response.content) < 200_000 + len(document)
    assert await story.everything() == before
    assert await client(DOCUMENT) == {"organization": {"name": "My organization"}}


def codes_of(response: httpx.Response) -> set[str]:
    body: dict[str, Any] = response.json()
    return {error["extensions"]["code"] for error in body.get("errors", ())}
