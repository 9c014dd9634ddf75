"""GraphiQL, served by us alone: no script, font or worker comes from another host, and the page could not load one.

`scripts/graphiql` puts the third-party files into `graphiql/bundle/`, each gzipped, beside a file `integrity` that names what
they are. Our own part is in `page/`, and every file in `examples/` opens as a tab on a first visit.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from holdco.endpoint.headers import listed

_HERE = Path(__file__).parent
BUNDLE: Final = _HERE / "graphiql" / "bundle"
EXAMPLES: Final = _HERE / "examples"
_PAGE: Final = _HERE / "page"

_MEDIA_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_OWN_FILES: Final = frozenset({"start.css", "start.js"})
_BUNDLE_FILES: Final = frozenset({"graphiql.css", "graphiql.js", "editor.worker.js", "graphql.worker.js", "json.worker.js"})

# The editor sets styles and draws its icons from a font inside the style sheet; everything else is denied by default.
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src data:; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SAFETY: Final = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Example:
    """A tab: a document, and the variables (JSON) that it starts with."""

    name: str
    query: str
    variables: str | None


def read_examples(directory: Path = EXAMPLES) -> tuple[Example, ...]:
    """The examples in the order of their file names; `x.json` has the variables of `x.graphql`."""
    return tuple(
        Example(path.stem, path.read_text("utf-8").strip(), variables.read_text("utf-8").strip() if variables.exists() else None)
        for path in sorted(directory.glob("*.graphql"))
        for variables in [path.with_suffix(".json")]
    )


class GraphiQL:
    """The page (`page`, shown by the endpoint) and its files (`route`, to be mounted beside the endpoint).

    The page asks for nothing itself, so that anybody may see it; what it sends shows the token that a person has typed into its
    headers. With `token`, which only `holdco dev` gives, it starts with that one, where a browser on this machine opens it.
    """

    def __init__(
        self,
        *,
        assets_path: str = "/graphiql",
        bundle: Path = BUNDLE,
        examples: Iterable[Example] | None = None,
        token: str | None = None,
    ) -> None:
        self._assets_path = assets_path
        self._bundle = bundle
        self._token = token
        self._tabs = [asdict(example) for example in (read_examples() if examples is None else examples)]

    def page(self, request: Request) -> Response:
        """The page for the endpoint at the request's own path; 503 with what to do while its files are missing."""
        version = self._version()
        headers = {"content-security-policy": _PAGE_POLICY, "cache-control": "no-store", "vary": "Accept", **_SAFETY}
        if version is None:
            return HTMLResponse((_PAGE / "missing.html").read_bytes(), 503, headers)
        assets = f"{request.scope.get('root_path', '')}{self._assets_path}/{version}"
        shown = {"token": self._token} if self._token is not None and _is_opened_here(request) else {}
        settings = orjson.dumps({"endpoint": request.url.path, "assets": assets, "tabs": self._tabs, **shown}).decode()
        page = (_PAGE / "index.html").read_text("utf-8").replace("{{assets}}", assets)
        # A script element ends at the first "</script", wherever in the JSON that stands.
        return HTMLResponse(page.replace("{{settings}}", settings.replace("<", "\\u003c")), 200, headers)

    def route(self) -> Route:
        return Route(f"{self._assets_path}/{{version}}/{{name}}", self._file, methods=["GET"])

    async def _file(self, request: Request) -> Response:
        """A file under the version that it belongs to, so that browsers may keep it for good."""
        name, version = request.path_params["name"], request.path_params["version"]
        if version != self._version() or name not in _OWN_FILES | _BUNDLE_FILES:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        headers = {
            "cache-control": "public, max-age=31536000, immutable",
            "content-security-policy": "default-src 'none'",
            "etag": f'"{version}"',
            "vary": "Accept-Encoding",
            **_SAFETY,
        }
        media_type = _MEDIA_TYPES[Path(name).suffix]
        if headers["etag"] in (listed(request.headers, "if-none-match") or ""):
            return Response(None, 304, headers)
        if name in _OWN_FILES:
            return FileResponse(_PAGE / name, 200, headers, media_type)
        path = self._bundle / f"{name}.gz"
        if "gzip" in (listed(request.headers, "accept-encoding") or ""):
            return FileResponse(path, 200, {**headers, "content-encoding": "gzip"}, media_type)
        return Response(gzip.decompress(path.read_bytes()), 200, headers, media_type)

    def _version(self) -> str | None:
        """Changes with the bundle and with our own files; None while there is no bundle."""
        try:
            integrity = (self._bundle / "integrity").read_bytes()
        except FileNotFoundError:
            return None
        own = b"".join((_PAGE / name).read_bytes() for name in sorted(_OWN_FILES))
        return hashlib.sha256(integrity + own).hexdigest()[:16]


def _is_opened_here(request: Request) -> bool:
    """Whether a person opens the page in a browser, under a name that only this machine has.

    Another site cannot read it: its scripts may fetch but not navigate and read, and a name of its own that leads to this machine
    (DNS rebinding) is another name. Programs on this machine can, whoever runs them: `holdco dev` is for a machine of one's own.
    """
    is_navigation = request.headers.get("sec-fetch-mode") == "navigate" and request.headers.get("sec-fetch-dest") == "document"
    return is_navigation and request.url.hostname in _THIS_MACHINE
