"""How answers are compressed: as the client prefers, and only where that pays."""

from __future__ import annotations

import gzip
import sys

import httpx
import pytest

from holdco.endpoint.encoding import GZIP, ZSTD, Encoding, accepted_encoding
from holdco.endpoint.response import COMPRESSED_FROM, JSONResponse, compressed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECOMPRESS = {None: bytes, "gzip": gzip.decompress, "zstd": zstd.decompress}


@pytest.mark.parametrize(
    ("accepted", "name"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("zstd;q=0.5, *", "gzip"),
        ("zstd;q=0, *", "gzip"),
        ("zstd;q=0", None),
        ("zstd;q=much", None),
        ("gzip;q=2", None),
        ("zstd2", None),
        (",;,", None),
    ],
)
def test_the_encoding_is_the_one_the_client_likes_best(accepted: str, name: str | None) -> None:
    encoding = accepted_encoding(accepted)
    assert (encoding.name if encoding is not None else None) == name


def raw(client: httpx.Client, query: str, accepted: str) -> tuple[str | None, bytes]:
    """The encoding of an answer, and its bytes as they came."""
    with client.stream("POST", "/graphql", json={"query": query}, headers={"accept-encoding": accepted}) as response:
        body = b"".join(response.iter_raw())
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert int(response.headers["content-length"]) == len(body)
    return response.headers.get("content-encoding"), body


@pytest.mark.parametrize("encoding", [GZIP, ZSTD], ids=lambda encoding: encoding.name)
def test_an_answer_is_the_same_in_every_encoding(client: httpx.Client, encoding: Encoding) -> None:
    query = "{ " + " ".join(f"answer{number}: hello" for number in range(100)) + " }"
    name, plain = raw(client, query, "identity")
    assert name is None
    assert len(plain) > COMPRESSED_FROM
    name, small = raw(client, query, encoding.name)
    assert name == encoding.name
    assert len(small) < len(plain) / 2
    assert DECOMPRESS[name](small) == plain


@pytest.mark.parametrize("encoding", [GZIP, ZSTD], ids=lambda encoding: encoding.name)
async def test_a_long_answer_is_compressed_in_a_thread_and_is_the_same(encoding: Encoding) -> None:
    body = b"0123456789" * (encoding.in_thread_from // 10)
    response = await compressed(JSONResponse(body, 200, "application/json"), "application/json", encoding.name)
    assert response.headers["content-encoding"] == encoding.name
    assert DECOMPRESS[encoding.name](bytes(response.body)) == body


def test_a_short_answer_is_sent_as_it_is(client: httpx.Client) -> None:
    assert raw(client, "{ hello }", "gzip, zstd") == (None, b'{"data":{"hello":"world"}}')
