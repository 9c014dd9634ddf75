"""The environment is read once, and what makes no sense is told by the name of its variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdco.errors import SettingsError
from holdco.settings import DEFAULT_ORGANIZATION_ID, DocumentsMode, Settings


def test_nothing_has_to_be_set() -> None:
    assert Settings.from_environment({}) == Settings(
        database_url=None,
        data_directory=Path.cwd() / ".holdco",
        host="127.0.0.1",
        port=8000,
        organization_id=DEFAULT_ORGANIZATION_ID,
        pool_size=10,
    )


def test_an_issuer_needs_an_audience() -> None:
    issuer = {"HOLDCO_OIDC_ISSUER": "https://login.example/realms/one"}
    with pytest.raises(SettingsError, match=r"^HOLDCO_OIDC_AUDIENCE must be set"):
        Settings.from_environment(issuer)
    settings = Settings.from_environment({**issuer, "HOLDCO_OIDC_AUDIENCE": "holdco"})
    assert (settings.oidc_issuer, settings.oidc_audience) == (issuer["HOLDCO_OIDC_ISSUER"], "holdco")
    assert (settings.oidc_role_claim, settings.oidc_organization_claim) == ("holdco_role", "holdco_organization")


def test_what_is_set_to_nothing_is_not_set() -> None:
    names = ("DATABASE_URL", "HOLDCO_DATA_DIR", "HOLDCO_HOST", "HOLDCO_PORT", "HOLDCO_ORGANIZATION_ID", "HOLDCO_POOL_SIZE")
    names += ("HOLDCO_DOCUMENTS", "HOLDCO_TRUSTED_DOCUMENTS", "HOLDCO_ORIGINS")
    assert Settings.from_environment(dict.fromkeys(names, "")) == Settings.from_environment({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOLDCO_PORT", "0"),
        ("HOLDCO_PORT", "65536"),
        ("HOLDCO_PORT", "-1"),
        ("HOLDCO_PORT", "8000 "),
        ("HOLDCO_PORT", "٨٠٠٠"),
        ("HOLDCO_PORT", "9" * 5000),
        ("HOLDCO_POOL_SIZE", "0"),
        ("HOLDCO_POOL_SIZE", "1001"),
        ("HOLDCO_POOL_SIZE", "ten"),
        ("HOLDCO_ORGANIZATION_ID", "mine"),
        ("HOLDCO_DOCUMENTS", "on"),
        ("HOLDCO_DOCUMENTS", "require"),
        ("HOLDCO_TRUSTED_DOCUMENTS", "/nowhere/at/all"),
        ("HOLDCO_ORIGINS", "*"),
        ("HOLDCO_ORIGINS", "null"),
        ("HOLDCO_ORIGINS", "app.example"),
        ("HOLDCO_ORIGINS", "https://app.example/"),
        ("HOLDCO_ORIGINS", "https://app.example, https://*.example"),
        ("HOLDCO_EXECUTION_TIMEOUT", "0"),
        ("HOLDCO_STATEMENT_TIMEOUT", "1.5"),
        ("HOLDCO_OPERATIONS_MAX", "0"),
        ("HOLDCO_OPERATIONS_WAITING_MAX", "none"),
        ("HOLDCO_OPERATIONS_WAIT", "601"),
        ("HOLDCO_SOCKET_OPERATIONS_MAX", "0"),
        ("HOLDCO_CONNECTION_INIT_TIMEOUT", "0.5"),
        ("HOLDCO_STOP_TIMEOUT", "0"),
        ("HOLDCO_SLOW_MILLISECONDS", "0"),
        ("HOLDCO_LOG_OPERATIONS", "yes"),
        ("HOLDCO_TRACES", "ON"),
        ("HOLDCO_OWNER_URL", "postgresql://owner@db.example/holdco"),
        ("HOLDCO_REQUESTS_PER_SECOND", "0"),
        ("HOLDCO_FAILED_TOKENS_PER_MINUTE", "-1"),
        ("HOLDCO_OIDC_ISSUER", "login.example"),
        ("HOLDCO_OIDC_ISSUER", "http://login.example"),
        ("HOLDCO_OIDC_ISSUER", "http://localhost.evil.example"),
        ("HOLDCO_OIDC_ISSUER", "https://login.example?tenant=1"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be "):
        Settings.from_environment({name: value})


def test_documents_and_origins_are_read_as_they_are_written(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "HOLDCO_DOCUMENTS": "require",
            "HOLDCO_TRUSTED_DOCUMENTS": str(tmp_path),
            "HOLDCO_ORIGINS": "https://App.example, http://localhost:3000,http://[::1]:3000,capacitor://localhost,",
        }
    )
    assert settings.documents is DocumentsMode.REQUIRE
    assert settings.trusted_documents == tmp_path
    assert settings.origins == (
        "https://app.example",
        "http://localhost:3000",
        "http://[::1]:3000",
        "capacitor://localhost",
    )


def test_a_stop_takes_as_long_as_an_operation_may_unless_it_is_told_otherwise() -> None:
    waiting = {"HOLDCO_EXECUTION_TIMEOUT": "120", "HOLDCO_OPERATIONS_WAIT": "7"}
    assert Settings.from_environment(waiting).stop_timeout == 127
    assert Settings.from_environment({**waiting, "HOLDCO_STOP_TIMEOUT": "9"}).stop_timeout == 9
