"""The environment, read once into a frozen object. Every variable that Holdco knows stands here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from holdco.errors import SettingsError
from holdco.limits import Limits

# Of whoever has one organization. Its id is fixed so that no statement has to look for it across organizations.
DEFAULT_ORGANIZATION_ID = UUID("01900000-0000-7000-8000-000000000001")


# As browsers write an origin (RFC 6454, 6.2): no path, no slash at its end.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


# A host's name, all below a name, or every name.
_NAME = re.compile(r"\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_ISSUER = re.compile(r"(?:https://[^\s?#]+|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?(?:/[^\s?#]*)?)")


class DocumentsMode(StrEnum):
    """Which documents are executed; `endpoint/persisted.py` has the table."""

    OFF = "off"
    APQ = "apq"
    LOG = "log"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says.

    `DATABASE_URL`               a Postgres to use; without it an embedded one runs in the data directory
    `HOLDCO_DATA_DIR`            where the embedded Postgres keeps its files (default: `.holdco` here)
    `HOLDCO_HOST`, `HOLDCO_PORT` where to serve (default: 127.0.0.1:8000; only loopback, behind a proxy for TLS)
    `HOLDCO_ORGANIZATION_ID`     the organization that commands are for; a server serves whichever a token names
    `HOLDCO_POOL_SIZE`           database connections of one worker (default: 10)
    `HOLDCO_DOCUMENTS`           which documents are executed: off, apq, log or require (default: apq)
    `HOLDCO_TRUSTED_DOCUMENTS`   a folder with the manifests of trusted documents
    `HOLDCO_ORIGINS`             other sites whose pages may ask, separated by commas, such as https://app.example
    `HOLDCO_EXECUTION_TIMEOUT`   seconds that an operation may take (default: 30)
    `HOLDCO_STATEMENT_TIMEOUT`   seconds that one SQL statement of an operation may take (default: 20)
    `HOLDCO_OPERATIONS_MAX`      operations that one worker executes at once (default: 100)
    `HOLDCO_OPERATIONS_WAITING_MAX` operations that may wait for that (default: 200); others are answered THROTTLED at once
    `HOLDCO_OPERATIONS_WAIT`     seconds that they may wait (default: 5); then they are answered THROTTLED
    `HOLDCO_SLOW_MILLISECONDS`   operations that take as long are logged as slow (default: 1000)
    `HOLDCO_LOG_OPERATIONS`      `on`: every operation is logged (default: off)
    `HOLDCO_TRACES`              `on`: OpenTelemetry traces, with the extra `opentelemetry` (default: off)
    `HOLDCO_LIMIT_…`             how much one request may ask for (holdco.limits)
    `HOLDCO_INTROSPECTION`       `on`, or `off`: the schema is not told, and refusals suggest no names (default: on)
    `HOLDCO_HEAD_TIMEOUT`        seconds in which the head of a request has to come (default: 20)
    `HOLDCO_BODY_TIMEOUT`        seconds in which its body has to come after that (default: 60)
    `HOLDCO_HOSTS`               names of this server, separated by commas: api.example, *.example, * (default: endpoint/hosts.py)
    `HOLDCO_SOCKET_OPERATIONS_MAX` operations, subscriptions included, that one WebSocket may have under way (default: 100)
    `HOLDCO_CONNECTION_INIT_TIMEOUT` seconds that a WebSocket has to say connection_init (default: 10)
    `HOLDCO_STOP_TIMEOUT`        seconds that operations under way have to end after SIGTERM (default: as long as one may wait and
                                 be executed: 35)
    `HOLDCO_OWNER_URL`           DATABASE_URL's database by the login that owns its tables, to migrate it (default: DATABASE_URL)
    `HOLDCO_REQUESTS_PER_SECOND` operations that one token may ask for in a second, of each worker (default: 200)
    `HOLDCO_FAILED_TOKENS_PER_MINUTE` tokens that one address may get wrong in a minute, at each worker (default: 30)
    `HOLDCO_OIDC_ISSUER`         an OpenID Connect provider whose tokens are taken too, such as https://login.example
    `HOLDCO_OIDC_AUDIENCE`       for whom its tokens must be; needed with an issuer
    `HOLDCO_OIDC_ROLE_CLAIM`     the claim with a staff role (default: holdco_role); who has none is a client user
    `HOLDCO_OIDC_ORGANIZATION_CLAIM` the claim with an organization's id (default: holdco_organization)
    """

    database_url: str | None
    data_directory: Path
    host: str
    port: int
    organization_id: UUID
    pool_size: int
    documents: DocumentsMode = DocumentsMode.APQ
    trusted_documents: Path | None = None
    origins: tuple[str, ...] = ()
    execution_timeout: int = 30
    statement_timeout: int = 20
    operations_max: int = 100
    operations_waiting_max: int = 200
    operations_wait: int = 5
    slow_milliseconds: int = 1000
    is_logging_operations: bool = False
    is_tracing: bool = False
    limits: Limits = field(default_factory=Limits)
    is_introspection_on: bool = True
    head_timeout: int = 20
    body_timeout: int = 60
    hosts: tuple[str, ...] = ()
    socket_operations_max: int = 100
    connection_init_timeout: int = 10
    stop_timeout: int = 35
    owner_url: str | None = None
    requests_per_second: int = 200
    failed_tokens_per_minute: int = 30
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_role_claim: str = "holdco_role"
    oidc_organization_claim: str = "holdco_organization"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises SettingsError, naming the variable, for a value that makes no sense."""
        return cls(
            database_url=environment.get("DATABASE_URL") or None,
            data_directory=Path(environment.get("HOLDCO_DATA_DIR") or ".holdco").expanduser().absolute(),
            host=environment.get("HOLDCO_HOST") or "127.0.0.1",
            port=_number(environment, "HOLDCO_PORT", 8000, highest=65535),
            organization_id=_uuid(environment, "HOLDCO_ORGANIZATION_ID", DEFAULT_ORGANIZATION_ID),
            pool_size=_number(environment, "HOLDCO_POOL_SIZE", 10, highest=1000),
            documents=_documents(environment),
            trusted_documents=_folder(environment, "HOLDCO_TRUSTED_DOCUMENTS"),
            origins=_origins(environment),
            execution_timeout=_number(environment, "HOLDCO_EXECUTION_TIMEOUT", 30, highest=3600),
            statement_timeout=_number(environment, "HOLDCO_STATEMENT_TIMEOUT", 20, highest=3600),
            operations_max=_number(environment, "HOLDCO_OPERATIONS_MAX", 100, highest=100_000),
            operations_waiting_max=_number(environment, "HOLDCO_OPERATIONS_WAITING_MAX", 200, highest=100_000),
            operations_wait=_number(environment, "HOLDCO_OPERATIONS_WAIT", 5, highest=600),
            slow_milliseconds=_number(environment, "HOLDCO_SLOW_MILLISECONDS", 1000, highest=3_600_000),
            is_logging_operations=_switch(environment, "HOLDCO_LOG_OPERATIONS", is_on=False),
            is_tracing=_switch(environment, "HOLDCO_TRACES", is_on=False),
            limits=Limits.from_environment(environment),
            is_introspection_on=_switch(environment, "HOLDCO_INTROSPECTION", is_on=True),
            head_timeout=_number(environment, "HOLDCO_HEAD_TIMEOUT", 20, highest=3600),
            body_timeout=_number(environment, "HOLDCO_BODY_TIMEOUT", 60, highest=3600),
            hosts=_hosts(environment),
            socket_operations_max=_number(environment, "HOLDCO_SOCKET_OPERATIONS_MAX", 100, highest=10_000),
            connection_init_timeout=_number(environment, "HOLDCO_CONNECTION_INIT_TIMEOUT", 10, highest=600),
            stop_timeout=_number(environment, "HOLDCO_STOP_TIMEOUT", _longest(environment), highest=4200),
            owner_url=_owner_url(environment),
            requests_per_second=_number(environment, "HOLDCO_REQUESTS_PER_SECOND", 200, highest=1_000_000),
            failed_tokens_per_minute=_number(environment, "HOLDCO_FAILED_TOKENS_PER_MINUTE", 30, highest=1_000_000),
            oidc_issuer=_issuer(environment),
            oidc_audience=environment.get("HOLDCO_OIDC_AUDIENCE") or None,
            oidc_role_claim=environment.get("HOLDCO_OIDC_ROLE_CLAIM") or "holdco_role",
            oidc_organization_claim=environment.get("HOLDCO_OIDC_ORGANIZATION_CLAIM") or "holdco_organization",
        )


def _number(environment: Mapping[str, str], name: str, default: int, *, highest: int) -> int:
    """From 1: a pool of 0 connections would be one without a limit, and a port of 0 one that nobody knows."""
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > len(str(highest)) or not 1 <= int(text) <= highest:
        raise SettingsError(f"{name} must be a whole number from 1 to {highest}, not {text[:60]!r}.")
    return int(text)


def _longest(environment: Mapping[str, str]) -> int:
    """Seconds that an operation may take from its arrival to its end."""
    wait = _number(environment, "HOLDCO_OPERATIONS_WAIT", 5, highest=600)
    return wait + _number(environment, "HOLDCO_EXECUTION_TIMEOUT", 30, highest=3600)


def _documents(environment: Mapping[str, str]) -> DocumentsMode:
    text = environment.get("HOLDCO_DOCUMENTS") or DocumentsMode.APQ.value
    if text not in set(DocumentsMode):
        raise SettingsError(f"HOLDCO_DOCUMENTS must be off, apq, log or require, not {text[:60]!r}.")
    mode = DocumentsMode(text)
    if mode is DocumentsMode.REQUIRE and not environment.get("HOLDCO_TRUSTED_DOCUMENTS"):
        raise SettingsError("HOLDCO_DOCUMENTS must be another than 'require' unless HOLDCO_TRUSTED_DOCUMENTS is set.")
    return mode


def _owner_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("HOLDCO_OWNER_URL") or None
    if url is not None and not environment.get("DATABASE_URL"):
        raise SettingsError("HOLDCO_OWNER_URL must be set together with DATABASE_URL: it is another login of the same database.")
    return url


def _folder(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name)
    if not text:
        return None
    folder = Path(text).expanduser().absolute()
    if not folder.is_dir():
        raise SettingsError(f"{name} must be a folder, and {folder} is none.")
    return folder


def _origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    texts = (each.strip() for each in environment.get("HOLDCO_ORIGINS", "").split(","))
    origins = tuple(each.lower() for each in texts if each)
    for each in origins:
        if not _ORIGIN.fullmatch(each):
            raise SettingsError(f"HOLDCO_ORIGINS must be origins such as https://app.example, and {each[:60]!r} is none.")
    return origins


def _hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    texts = (each.strip() for each in environment.get("HOLDCO_HOSTS", "").split(","))
    hosts = tuple(each.lower() for each in texts if each)
    for each in hosts:
        if not _NAME.fullmatch(each):
            raise SettingsError(f"HOLDCO_HOSTS must be names such as api.example, without a port, and {each[:60]!r} is none.")
    return hosts


def _issuer(environment: Mapping[str, str]) -> str | None:
    """Over http only on this machine: whoever changes what comes on the way would sign as anybody."""
    text = environment.get("HOLDCO_OIDC_ISSUER")
    if not text:
        return None
    if not _ISSUER.fullmatch(text):
        raise SettingsError(f"HOLDCO_OIDC_ISSUER must be an address such as https://login.example, not {text[:60]!r}.")
    if not environment.get("HOLDCO_OIDC_AUDIENCE"):
        raise SettingsError("HOLDCO_OIDC_AUDIENCE must be set with HOLDCO_OIDC_ISSUER, or tokens for others would be taken.")
    return text


def _switch(environment: Mapping[str, str], name: str, *, is_on: bool) -> bool:
    text = environment.get(name) or ("on" if is_on else "off")
    if text not in {"on", "off"}:
        raise SettingsError(f"{name} must be on or off, not {text[:60]!r}.")
    return text == "on"


def _uuid(environment: Mapping[str, str], name: str, default: UUID) -> UUID:
    text = environment.get(name)
    if not text:
        return default
    try:
        return UUID(text)
    except ValueError:
        raise SettingsError(f"{name} must be a UUID, not {text!r}.") from None
