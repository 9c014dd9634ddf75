"""A little OpenID Connect provider over HTTP, with keys that are made while it runs, can be changed, and taken away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

AUDIENCE = "https://api.holdco.example"


@dataclass
class Key:
    """A private key with its name and the algorithm that it is for."""

    id: str
    algorithm: str
    private: Any

    def public(self) -> dict[str, Any]:
        """As a key set has it."""
        kind: Any = {"RS": RSAAlgorithm, "PS": RSAAlgorithm, "ES": ECAlgorithm, "Ed": OKPAlgorithm}[self.algorithm[:2]]
        shown: dict[str, Any] = kind.to_jwk(self.private.public_key(), as_dict=True)
        return {**shown, "kid": self.id, "alg": self.algorithm, "use": "sig"}


def new_key(name: str, algorithm: str = "ES256") -> Key:
    if algorithm == "EdDSA":
        return Key(name, algorithm, ed25519.Ed25519PrivateKey.generate())
    if algorithm.startswith("ES"):
        curve: ec.EllipticCurve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[algorithm]
        return Key(name, algorithm, ec.generate_private_key(curve))
    return Key(name, algorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048))


@dataclass
class Provider:
    """`published` is what its key set has, `fetched` how often that was asked for, `says` what replaces its discovery."""

    issuer: str = ""
    key: Key = field(default_factory=lambda: new_key("first"))
    published: list[dict[str, Any]] = field(default_factory=list)
    fetched: int = 0
    says: dict[str, Any] = field(default_factory=dict)
    server: Any = None
    _serving: Any = None

    def publish(self, *keys: Key) -> None:
        self.published = [key.public() for key in keys]

    def token(self, *, key: Key | None = None, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Signed, good for five minutes, and for us, unless the claims say otherwise; a claim of None is left out."""
        now = int(time.time())
        defaults = {"iss": self.issuer, "aud": AUDIENCE, "sub": "somebody", "iat": now, "exp": now + 300}
        signed = key or self.key
        given = {name: value for name, value in {**defaults, **claims}.items() if value is not None}
        return jwt.encode(given, signed.private, algorithm=signed.algorithm, headers={"kid": signed.id, **(headers or {})})

    async def start(self) -> None:
        """On the port that it had, if it had one."""
        app = Starlette(
            routes=[Route("/.well-known/openid-configuration", self._discovery), Route("/keys", self._keys)],
        )
        port = int(self.issuer.rpartition(":")[2]) if self.issuer else 0
        self.server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_level="warning"))
        self._serving = asyncio.create_task(self.server.serve())
        async with asyncio.timeout(20):
            while not self.server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.005)
        self.issuer = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self.server.should_exit = True
        await self._serving

    async def _discovery(self, _request: Request) -> JSONResponse:
        return JSONResponse({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.says})

    async def _keys(self, _request: Request) -> JSONResponse:
        self.fetched += 1
        return JSONResponse({"keys": self.published})


@asynccontextmanager
async def running() -> AsyncIterator[Provider]:
    made = Provider()
    made.publish(made.key)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
