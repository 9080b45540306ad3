"""The little of catalogue entities that discovery reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sloengine.infrastructure.backstage.entity_refs import DEFAULT_NAMESPACE, EntityRef, parse_ref

KINDS = ("component", "resource", "api")
"""What is asked for. Owners and systems are read as references: groups and users hold personal data."""
FIELDS = (
    "kind", "metadata.name", "metadata.namespace", "metadata.title", "metadata.annotations", "metadata.tags",
    "spec.type", "spec.lifecycle", "spec.owner", "spec.system", "spec.dependsOn", "spec.dependencyOf",
    "spec.providesApis", "spec.consumesApis", "relations",
)  # fmt: skip
"""Without these only, every API brings its whole definition."""
DEPENDS_ON, DEPENDENCY_OF = "dependsOn", "dependencyOf"
CONSUMES_API, API_CONSUMED_BY = "consumesApi", "apiConsumedBy"
PROVIDES_API, API_PROVIDED_BY = "providesApi", "apiProvidedBy"
OWNED_BY, PART_OF = "ownedBy", "partOf"
_IN_SPEC: Mapping[str, tuple[str, str | None]] = {
    "dependsOn": (DEPENDS_ON, None),
    "dependencyOf": (DEPENDENCY_OF, None),
    "providesApis": (PROVIDES_API, "api"),
    "consumesApis": (CONSUMES_API, "api"),
    "owner": (OWNED_BY, "group"),
    "system": (PART_OF, "system"),
}
"""Field of ``spec`` → relation, and the kind that its references have when they do not say.
Source: backstage.io, "Descriptor Format of Catalog Entities"."""


@dataclass(frozen=True, slots=True)
class Entity:
    """``name``: in the case it was written in; ``ref`` compares. ``relations``: (type, target), each once."""

    ref: EntityRef
    name: str
    title: str | None
    annotations: Mapping[str, str]
    tags: Sequence[str]
    type: str
    lifecycle: str | None
    relations: Sequence[tuple[str, EntityRef]]
    problems: Sequence[str]

    @property
    def source_name(self) -> str:
        """The reference, with the name as it was written: telemetry's names tell cases apart."""
        return f"{self.ref.kind}:{self.ref.namespace}/{self.name}"

    def targets(self, relation: str) -> Sequence[EntityRef]:
        """What it is related to in this way."""
        return [target for kind, target in self.relations if kind == relation]


def read_entity(item: Mapping[str, Any]) -> Entity | None:
    """An entity as the API gives it; None where it has no kind or name.

    Relations are those that the catalogue worked out, which include what *other* entities declare of this one
    (``dependencyOf``), and those that ``spec`` states, for an entity that has not been processed yet.
    """
    metadata, spec = _mapping(item.get("metadata")), _mapping(item.get("spec"))
    kind, name = _text(item.get("kind")), _text(metadata.get("name"))
    if kind is None or name is None:
        return None
    namespace = _text(metadata.get("namespace")) or DEFAULT_NAMESPACE
    ref = EntityRef(kind.lower(), namespace.lower(), name.lower())
    relations: dict[tuple[str, EntityRef], None] = {}
    problems: list[str] = []
    for said in _listed(item.get("relations")):
        target = _relation_target(_mapping(said))
        if target is not None:
            relations[str(_mapping(said).get("type")), target] = None
    for field, (relation, default_kind) in _IN_SPEC.items():
        for text in _listed(spec.get(field)):
            try:
                target = parse_ref(str(text), default_kind=default_kind, default_namespace=namespace)
            except ValueError as error:
                problems.append(f"spec.{field} of {ref}: {error}")
            else:
                relations[relation, target] = None
    return Entity(
        ref,
        name,
        _text(metadata.get("title")),
        {
            str(key): value
            for key, value in _mapping(metadata.get("annotations")).items()
            if isinstance(value, str)
        },
        tuple(tag for tag in _listed(metadata.get("tags")) if isinstance(tag, str)),
        (_text(spec.get("type")) or "").lower(),
        _text(spec.get("lifecycle")),
        tuple(relations),
        tuple(problems),
    )


def _relation_target(relation: Mapping[str, Any]) -> EntityRef | None:
    """``targetRef``; catalogues before 1.0 have ``target``, in parts."""
    stated = _text(relation.get("targetRef"))
    if stated is not None:
        try:
            return parse_ref(stated, default_kind=None)
        except ValueError:
            return None
    parts = _mapping(relation.get("target"))
    kind, name = _text(parts.get("kind")), _text(parts.get("name"))
    if kind is None or name is None:
        return None
    namespace = _text(parts.get("namespace")) or DEFAULT_NAMESPACE
    return EntityRef(kind.lower(), namespace.lower(), name.lower())


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> Sequence[Any]:
    """A list as it is, one text as a list of it, anything else as nothing."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
