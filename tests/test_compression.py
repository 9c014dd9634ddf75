"""Answers are compressed for clients that accept it, and for no others (RFC 9110, 12.5.3)."""

from __future__ import annotations

import gzip
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from asking import UNLIMITED
from holdco.endpoint.encoding import GZIP, accepted_encoding
from holdco.endpoint.response import COMPRESSED_FROM
from holdco.settings import Settings
from operations.serving import served

ACCEPTED = {
    "gzip": True,
    "GZip": True,
    "gzip, deflate, br": True,
    "br;q=1.0, gzip;q=0.8, *;q=0.1": True,
    "deflate , gzip ; q=0.001": True,
    "*": True,
    "br, *;q=0.5": True,
    "identity;q=0.5, gzip": True,
    # What is said of gzip counts more than what is said of everything, wherever it stands.
    "*, gzip;q=0": False,
    "*;q=0, gzip": True,
    "gzip;q=0, *": False,
    "gzip;q=0": False,
    "gzip;q=0.000": False,
    "*;q=0": False,
    "identity": False,
    "": False,
    "x-gzip": False,
    "gzipped": False,
    "br": False,
    # Nonsense is not a yes.
    "gzip;q=1.0.0": False,
    "gzip;level=9": False,
}


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_a_client_says_whether_it_accepts_gzip(accepted: str) -> None:
    assert accepted_encoding(accepted) is (GZIP if ACCEPTED[accepted] else None)


# Below and above what is compressed at all, and what is compressed in a thread of its own.
SIZES = {1: False, 100: True, 9_000: True}


@pytest.mark.parametrize("names", SIZES)
async def test_an_answer_is_the_same_compressed_or_not(database_url: str, organization_id: UUID, names: int) -> None:
    settings = Settings(database_url, Path("unused"), "127.0.0.1", 0, organization_id, 1, limits=UNLIMITED)
    fields = [f"a{number:04}" for number in range(names)]
    asked = {"query": "{ " + " ".join(f"{name}: __typename" for name in fields) + " }"}
    expected = orjson.dumps({"data": dict.fromkeys(fields, "Query")})
    assert (len(expected) >= COMPRESSED_FROM) is SIZES[names]
    async with served(settings) as server:
        http = server.http
        for accepted in ("gzip", "identity", "*, gzip;q=0"):
            request = http.build_request("POST", "/graphql", json=asked, headers={"accept-encoding": accepted})
            response = await http.send(request, stream=True)
            raw = b"".join([chunk async for chunk in response.aiter_raw()])
            await response.aclose()
            is_compressed = SIZES[names] and accepted == "gzip"
            assert response.status_code == 200
            assert response.headers.get("content-encoding") == ("gzip" if is_compressed else None)
            assert response.headers["content-length"] == str(len(raw))
            assert response.headers["vary"] == "Accept, Accept-Encoding"
            assert (gzip.decompress(raw) if is_compressed else raw) == expected
