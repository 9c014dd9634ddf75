"""DATABASE_URL as people and hosting services write it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from holdco.database import create_engine, sqlalchemy_url
from holdco.errors import SettingsError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://me:p%40ss@db.example:5433/holdco", "postgresql+asyncpg://me:p%40ss@db.example:5433/holdco"),
        ("postgresql://me@[::1]/holdco", "postgresql+asyncpg://me@[::1]/holdco"),
        ("postgresql://me@/holdco?port=5444&host=db.example", "postgresql+asyncpg://me@db.example:5444/holdco"),
        ("postgresql://me@db.example/holdco?sslmode=require", "postgresql+asyncpg://me@db.example/holdco?ssl=require"),
    ],
)
def test_urls_are_understood(given: str, expected: str) -> None:
    assert sqlalchemy_url(given).render_as_string(hide_password=False) == expected


def test_a_directory_of_sockets_is_kept_as_it_is() -> None:
    url = sqlalchemy_url("postgresql://me@/holdco?host=/tmp/a,%20b%20c")
    assert (url.host, url.database, dict(url.query)) == ("/tmp/a, b c", "holdco", {})


async def test_a_mode_of_encryption_reaches_the_driver(database_url: str) -> None:
    separator = "&" if "?" in database_url else "?"
    engine = create_engine(f"{database_url}{separator}sslmode=prefer", pool_size=1)
    async with engine.connect() as connection:
        assert (await connection.execute(text("select 1"))).scalar_one() == 1
    await engine.dispose()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "must begin with postgresql://"),
        ("secret", "must begin with postgresql://"),
        ("mysql://me:secret@db.example/holdco", "must begin with postgresql://"),
        ("postgresql+asyncpg://me:secret@db.example/holdco", "must begin with postgresql://"),
        ("postgresql://me:secret@db.example:port/holdco", "cannot be read"),
        ("postgresql://me:secret@db.example/holdco?port=x", "cannot be read"),
        ("postgresql://me:secret@[::1/holdco", "cannot be read"),
        ("postgresql://me:secret@db.example/holdco?sslmode=require&channel_binding=require", "not known here: channel_binding."),
        ("postgresql://me:secret@db.example/holdco?user=", "not known here: user."),
    ],
)
def test_what_cannot_be_understood_is_refused_without_repeating_the_password(given: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        sqlalchemy_url(given)
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)
