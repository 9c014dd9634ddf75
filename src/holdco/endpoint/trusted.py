"""Trusted documents: those that a frontend's build has written into a manifest, read once when the process starts.

Three tools write two forms, and every `*.json` of the folder is one of them:

    {"<id>": "<text>", …}                                                relay-compiler; graphql-codegen's client preset
    {"format": "apollo-persisted-query-manifest", "version": 1,
     "operations": [{"id": "<id>", "body": "<text>", …}, …]}             Apollo's generate-persisted-query-manifest

Their documents are as long, as deep and as full of aliases as their authors want: those limits are there against clients. What
an operation costs depends on the variables that a client sends, and stays bounded for each of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from strawberry import Schema

from holdco.endpoint.documents import Document, Documents
from holdco.endpoint.errors import RequestError
from holdco.errors import SettingsError
from holdco.monitoring.operations import NAMES

_APOLLO: Final = "apollo-persisted-query-manifest"
_VARIABLE: Final = "HOLDCO_TRUSTED_DOCUMENTS"


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """Texts by every name that they go by: the one of the manifest and the SHA-256 of the text. Documents by text."""

    texts: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)


def load_trusted(folder: Path, schema: Schema, documents: Documents, *, is_planning: bool) -> TrustedDocuments:
    """Every document of every manifest, valid and, with `is_planning`, planned.

    SettingsError, naming the file, when a manifest cannot be read; then, naming file, document and reason, one that tells every
    document that is not valid, or whose id already stands for another text.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise SettingsError(f"{_VARIABLE} must be a folder with manifests (*.json), and {folder} has none.")
    texts: dict[str, str] = {}
    valid: dict[str, Document] = {}
    problems: list[str] = []
    for path, name, text in (entry for file in files for entry in _entries(file)):
        if texts.setdefault(name.removeprefix("sha256:"), text) != text:
            problems.append(f"{path}: document {name!r}: this id stands for another text already.")
        elif text not in valid:
            try:
                valid[text] = documents.read_trusted(text)
            except RequestError as refusal:
                reasons = " ".join(error["message"] for error in refusal.presented())
                problems.append(f"{path}: document {name!r}: {reasons}")
    if problems:
        raise SettingsError("\n".join([f"{_VARIABLE}: {len(problems)} of the trusted documents cannot be served.", *problems]))
    NAMES.trust(name for document in valid.values() for name in document.operations if name is not None)
    for plans in (each for document in valid.values() for each in document.plans.values() if is_planning):
        plans.prepare(schema)
    return TrustedDocuments({hashlib.sha256(text.encode()).hexdigest(): text for text in valid} | texts, valid)


def _entries(file: Path) -> Iterator[tuple[Path, str, str]]:
    """The file, ids and texts of a manifest."""
    try:
        manifest = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as problem:
        raise SettingsError(f"{_VARIABLE}: {file} cannot be read: {problem}.") from problem
    for name, text in _pairs(manifest, file):
        if not isinstance(name, str) or not isinstance(text, str) or not name or not text:
            raise _not_a_manifest(file)
        yield file, name, text


def _pairs(manifest: Any, file: Path) -> Iterator[tuple[Any, Any]]:
    if not isinstance(manifest, dict):
        raise _not_a_manifest(file)
    if "format" not in manifest:
        yield from manifest.items()
        return
    operations = manifest.get("operations")
    if manifest["format"] != _APOLLO or manifest.get("version", 1) != 1 or not isinstance(operations, list):
        raise _not_a_manifest(file)
    for each in operations:
        yield (each.get("id"), each.get("body")) if isinstance(each, dict) else (None, None)


def _not_a_manifest(file: Path) -> SettingsError:
    return SettingsError(
        f"{_VARIABLE}: {file} is no manifest. It must be an object of ids and texts, as relay-compiler and graphql-codegen "
        f"write it, or one of the format {_APOLLO}, version 1."
    )
