"""Which media type an answer has: the client's q values first, then the order in which it names the types."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
HTML: Final = "text/html"

_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@lru_cache(maxsize=256)
def negotiate(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """The offer that the client likes best, or None when it takes none of them.

    Without a header, and among equals, the first offer: application/json comes first, because clients that say nothing
    are older than application/graphql-response+json.
    """
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [media_range for part in accept.split(",") if (media_range := _media_range(part))]
    best: str | None = None
    best_rank = (0.0, 0)
    for offer in offers:
        quality, position = _rank(offer, ranges)
        if quality > 0 and (best is None or (quality, -position) > best_rank):
            best, best_rank = offer, (quality, -position)
    return best


def _rank(offer: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Quality and position of the most specific range that covers the offer (RFC 9110, 12.5.1)."""
    for name in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        for position, (media_type, quality) in enumerate(ranges):
            if media_type == name:
                return quality, position
    return 0.0, 0


def _media_range(part: str) -> tuple[str, float] | None:
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((value for parameter in parameters if (value := parameter.removeprefix("q=")) != parameter), "1")
    return (media_type, float(quality)) if media_type and _QUALITY.fullmatch(quality) else None
