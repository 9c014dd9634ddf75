"""The ASGI application: what is served where, and what lives as long as the process.

Starlette's router without its middlewares: the endpoint answers its own errors, and they would cost small queries a twentieth.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp

from holdco.authentication.accepting import Accepting
from holdco.authentication.authenticator import Authenticator
from holdco.authentication.oidc import OpenIdProvider, ProviderSettings
from holdco.authentication.tokens import AccessTokens
from holdco.bulk.runner import Runner
from holdco.changes.hub import Hub
from holdco.changes.listening import Listener
from holdco.context import Capacity, Context
from holdco.database import create_engine
from holdco.endpoint.admission import Admission
from holdco.endpoint.cross_site import with_cors
from holdco.endpoint.documents import Documents
from holdco.endpoint.draining import STOP
from holdco.endpoint.graphiql import GraphiQL
from holdco.endpoint.hosts import with_hosts
from holdco.endpoint.operations import Operations
from holdco.endpoint.trusted import load_trusted
from holdco.endpoint.view import Endpoint
from holdco.endpoint.websocket import WebSocketEndpoint
from holdco.errors import SettingsError
from holdco.logs import configure_logs
from holdco.migrations.upgrade import newest
from holdco.monitoring import tracing
from holdco.monitoring.operations import Journal
from holdco.monitoring.probes import Probes
from holdco.schema import schema
from holdco.settings import Settings
from holdco.sizes import SIZES

# New objects before a collection, and collections of one generation before one of the next.
COLLECTOR_THRESHOLD = (50_000, 20, 50)


def create_serving_app(*, graphiql_token: str | None = None) -> ASGIApp:
    """The application of a process that does nothing else: what is there when it starts is there when it ends.

    The garbage collector need not look at it again, and need not look at every answer of some thousand objects either: what an
    operation leaves behind has no cycles but few. A tree of 888 objects took a third less with both.
    """
    app = create_app(graphiql_token=graphiql_token)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLD)
    return app


def check_documents(settings: Settings) -> None:
    """Raises SettingsError when a trusted document is not valid, before a process is made to serve it."""
    if settings.trusted_documents is not None:
        documents = Documents(schema, limits=settings.limits, sizes=SIZES, is_introspection_on=settings.is_introspection_on)
        load_trusted(settings.trusted_documents, schema, documents, is_planning=True)


def _operations(settings: Settings) -> Operations:
    admission = Admission(
        running_max=settings.operations_max, waiting_max=settings.operations_waiting_max, wait_seconds=settings.operations_wait
    )
    journal = Journal(settings.is_logging_operations, settings.slow_milliseconds / 1000)
    return Operations(admission, settings.execution_timeout, journal)


def _provider(settings: Settings, engine: AsyncEngine) -> OpenIdProvider | None:
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    trusted = ProviderSettings(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_role_claim,
        settings.oidc_organization_claim,
        settings.organization_id,
    )
    return OpenIdProvider(trusted, engine)


def create_app(settings: Settings | None = None, *, hub: Hub | None = None, graphiql_token: str | None = None) -> ASGIApp:
    """An application for the database that the settings, or else the environment, name. Each worker makes one.

    `hub` is for who wants to see its subscribers, or to end them. `graphiql_token` is for `holdco dev` alone.
    """
    settings = settings or Settings.from_environment()
    if settings.database_url is None:
        raise SettingsError("Set DATABASE_URL, or start with `holdco dev`, which brings a database of its own.")
    configure_logs()
    engine = create_engine(settings.database_url, pool_size=settings.pool_size, statement_timeout=settings.statement_timeout)
    capacity = Capacity(settings.pool_size)
    hub = hub or Hub()
    stopping_since: float | None = None

    def stop() -> None:
        """A stop begins: what has no end of its own ends."""
        nonlocal stopping_since
        stopping_since = stopping_since or monotonic()
        hub.close()
        sockets.stop()
        runner.finish()

    listener = Listener(create_engine(settings.database_url, pool_size=1), hub)
    runner = Runner(create_engine(settings.database_url, pool_size=1, statement_timeout=settings.statement_timeout), hub.work)
    provider = _provider(settings, engine)
    authentication = Authenticator(
        AccessTokens(engine),
        hub.revocations,
        provider=provider,
        requests_per_second=settings.requests_per_second,
        failures_per_minute=settings.failed_tokens_per_minute,
    )

    operations = _operations(settings)
    if settings.is_tracing:
        tracing.start()

    def gauges() -> dict[str, float]:
        pool: Any = engine.sync_engine.pool
        return {
            "pool_connections_checked_out": pool.checkedout(),
            "pool_connections_max": settings.pool_size,
            "operations_running": operations.admission.running,
            "operations_waiting": operations.admission.waiting,
            "subscriptions": hub.subscriber_count,
        }

    probes = Probes(create_engine(settings.database_url, pool_size=1), newest=newest(), gauges=gauges)

    @asynccontextmanager
    async def lifespan(_app: Router) -> AsyncIterator[dict[str, Any]]:
        await listener.start()
        runner.start()
        async with probes.running():
            yield {STOP: stop}
        until = (stopping_since or monotonic()) + settings.stop_timeout
        runner.finish()
        await operations.settle(seconds=max(0.0, until - monotonic()))
        await runner.stop(seconds=max(0.0, until - monotonic()))
        await listener.stop()
        await authentication.stop()
        if provider is not None:
            await provider.stop()
        await engine.dispose()
        tracing.stop()

    async def make_context(request: Request) -> Context:
        return Context(engine, request.user.viewer, capacity, hub=hub)

    async def to_graphiql(_request: Request) -> RedirectResponse:
        return RedirectResponse("/graphql")

    graphiql = GraphiQL(token=graphiql_token)
    endpoint = Endpoint(
        schema,
        make_context=make_context,
        authentication=authentication,
        graphiql=graphiql,
        is_planning=True,
        documents_mode=settings.documents,
        trusted_documents=settings.trusted_documents,
        origins=settings.origins,
        operations=operations,
        limits=settings.limits,
        sizes=SIZES,
        is_introspection_on=settings.is_introspection_on,
    )
    sockets = WebSocketEndpoint(
        endpoint.answers,
        authentication=authentication,
        origins=settings.origins,
        init_timeout=settings.connection_init_timeout,
        operations_max=settings.socket_operations_max,
    )
    router = Router(
        lifespan=lifespan,
        routes=[
            Route("/", to_graphiql),
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", sockets),
            Route("/invitations/accept", Accepting(engine, authentication, provider)),
            graphiql.route(),
            *probes.routes,
        ],
    )
    return with_hosts(with_cors(router, settings.origins), bound_to=settings.host, hosts=settings.hosts)
