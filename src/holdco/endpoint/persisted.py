"""Documents by name: which text a request means, and whether it may be executed.

A request names a document by `documentId` (GraphQL over HTTP, appendix "Persisted Documents") or by
`extensions.persistedQuery.sha256Hash` (Apollo's automatic persisted queries). Both mean the same here: `sha256:` and the
hash of a text name that text, with or without the prefix, and so does whatever name a manifest has given it.

    mode      a text of its own       a name alone                                a name with its text
    off       executed                PERSISTED_QUERY_NOT_SUPPORTED               the text is executed, the name ignored
    apq       executed                trusted or kept, else …_NOT_FOUND           checked, executed, and kept
    log       executed, and logged when it is not trusted; names as apq
    require   only a trusted text     trusted, else DOCUMENT_NOT_TRUSTED          checked, and only a trusted text

`log` is the way to `require`: what it logs is missing in the manifests. GraphiQL asks for the schema by a text of its own, so
with `require` it can only do what a manifest has.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Final

import structlog

from holdco.endpoint.documents import Document, Documents
from holdco.endpoint.errors import ErrorCode, RequestError
from holdco.endpoint.parameters import Parameters
from holdco.endpoint.trusted import TrustedDocuments
from holdco.settings import DocumentsMode

log = structlog.get_logger(__name__)

_PREFIX: Final = "sha256:"


class Texts:
    """The most recently used texts by their hashes, bounded in number and in characters. They are lost with the process:
    clients send a text again when they are told that it is not found.
    """

    def __init__(self, *, texts_max: int = 1_000, characters_max: int = 1_000_000) -> None:
        self._texts_max = texts_max
        self._characters_max = characters_max
        self._characters = 0
        self._by_hash: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_hash)

    def get(self, name: str) -> str | None:
        text = self._by_hash.get(name)
        if text is not None:
            self._by_hash.move_to_end(name)
        return text

    def keep(self, name: str, text: str) -> bool:
        """False for a text that is kept already, or longer than everything that may be kept."""
        if self.get(name) is not None or len(text) > self._characters_max:
            return False
        self._by_hash[name] = text
        self._characters += len(text)
        while len(self._by_hash) > self._texts_max or self._characters > self._characters_max:
            _, oldest = self._by_hash.popitem(last=False)
            self._characters -= len(oldest)
        return True


class RequestedDocuments:
    """The document that a request means, for HTTP and WebSocket alike."""

    def __init__(self, documents: Documents, mode: DocumentsMode, trusted: TrustedDocuments) -> None:
        self._documents = documents
        self._mode = mode
        self._trusted = trusted
        self._texts = Texts()
        # Those that were logged, so that each of them is one line, not one for every request.
        self._logged = Texts()

    def read(self, parameters: Parameters) -> tuple[Document, bool]:
        """The document, and whether the request named it, so that its address is worth keeping.

        RequestError, in this order: BAD_REQUEST, PERSISTED_QUERY_NOT_SUPPORTED, PERSISTED_QUERY_HASH_MISMATCH,
        DOCUMENT_NOT_TRUSTED, PERSISTED_QUERY_NOT_FOUND, then those of `Documents.read`.
        """
        text = parameters.query
        is_off = self._mode is DocumentsMode.OFF
        may_have_name = parameters.document_id is not None or parameters.extensions is not None
        name = _name(parameters) if may_have_name and not (is_off and text) else None
        if name is not None and is_off:
            raise RequestError(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        if name is None and not text:
            raise RequestError(ErrorCode.BAD_REQUEST, "The request has no `query`: send the text of a GraphQL document.")
        document = self._named(name, text) if name is not None else self._unnamed(text or "")
        return document, name is not None

    def _named(self, name: str, text: str | None) -> Document:
        known = self._trusted.texts.get(name)
        if text:
            is_hash = hashlib.sha256(text.encode()).hexdigest() == name
            if text != known and not is_hash:
                raise RequestError(ErrorCode.PERSISTED_QUERY_HASH_MISMATCH, "The hash or id is not that of the `query`.")
            document = self._unnamed(text)
            # After it was read, so that only valid texts take room.
            if is_hash and known is None:
                self._texts.keep(name, text)
            return document
        known = known or self._texts.get(name)
        if known is not None:
            return self._unnamed(known)
        if self._mode is DocumentsMode.REQUIRE:
            raise _not_trusted()
        # Apollo's clients send the text as soon as they read this message or this code.
        raise RequestError(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")

    def _unnamed(self, text: str) -> Document:
        trusted = self._trusted.documents.get(text)
        if trusted is not None:
            return trusted
        if self._mode is DocumentsMode.REQUIRE:
            raise _not_trusted()
        document = self._documents.read(text)
        if self._mode is DocumentsMode.LOG:
            self._log(text, document)
        return document

    def _log(self, text: str, document: Document) -> None:
        name = hashlib.sha256(text.encode()).hexdigest()
        if self._logged.keep(name, name):
            operations = [each for each in document.operations if each is not None]
            log.warning("document is not trusted", document=name, operations=operations)


def _not_trusted() -> RequestError:
    return RequestError(
        ErrorCode.DOCUMENT_NOT_TRUSTED, "Only documents that were made known to this server beforehand are executed."
    )


def _name(parameters: Parameters) -> str | None:
    """What the request calls its document, without `sha256:`. RequestError with BAD_REQUEST when that is no name."""
    name = parameters.document_id
    apollo = (parameters.extensions or {}).get("persistedQuery")
    if name is None and apollo is not None:
        if not isinstance(apollo, dict) or apollo.get("version") != 1 or not isinstance(apollo.get("sha256Hash"), str):
            raise RequestError(
                ErrorCode.BAD_REQUEST, '`extensions.persistedQuery` must be {"version": 1, "sha256Hash": "…"}, or absent.'
            )
        name = apollo["sha256Hash"]
    return name.removeprefix(_PREFIX) if name is not None else None
