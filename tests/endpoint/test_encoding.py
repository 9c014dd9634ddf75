"""How answers are compressed: as the client prefers, and only where that pays."""

from __future__ import annotations

import gzip
import sys

import httpx
import pytest

from holdco.endpoint.encoding import GZIP, ZSTD, Encoding, accepted_encoding
from holdco.endpoint.response import COMPRESSED_FROM

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
@pytest.mark.parametrize("count", [100, 12_000], ids=["short", "long"])
def test_an_answer_is_the_same_in_every_encoding(client: httpx.Client, encoding: Encoding, count: int) -> None:
    query = "{ " + " ".join(f"answer{number}: hello" for number in range(count)) + " }"
    name, plain = raw(client, query, "identity")
    assert name is None
    # The long one is compressed in a thread by gzip.
    assert len(plain) > COMPRESSED_FROM
    assert (len(plain) >= GZIP.in_thread_from) == (count == 12_000)
    name, small = raw(client, query, encoding.name)
    assert name == encoding.name
    assert len(small) < len(plain) / 2
    assert DECOMPRESS[name](small) == plain


def test_a_short_answer_is_sent_as_it_is(client: httpx.Client) -> None:
    assert raw(client, "{ hello }", "gzip, zstd") == (None, b'{"data":{"hello":"world"}}')
