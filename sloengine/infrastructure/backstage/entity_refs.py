"""Names of entities: ``[kind:][namespace/]name``, compared without regard to case."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class EntityRef:
    """A whole reference, in lower case. Source: backstage.io, "Entity References"."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """``kind:namespace/name``."""
        return f"{self.kind}:{self.namespace}/{self.name}"


def parse_ref(text: str, *, default_kind: str | None, default_namespace: str = DEFAULT_NAMESPACE) -> EntityRef:
    """What a reference means where it stands.

    ``default_kind`` None: the field has none, so the reference must name it. ``default_namespace``: that of the
    entity that refers.
    Raises: ValueError, with the reason.

    >>> str(parse_ref("Payments", default_kind="group", default_namespace="Shop"))
    'group:shop/payments'
    """
    kind, colon, rest = text.strip().partition(":")
    if not colon:
        kind, rest = default_kind or "", kind
    namespace, slash, name = rest.partition("/")
    if not slash:
        namespace, name = default_namespace, namespace
    if not kind:
        raise ValueError(f"{text!r} does not say which kind it is of: write component:{text} or resource:{text}")
    if not namespace or not name or ":" in rest or "/" in name:
        raise ValueError(f"{text!r} is no entity reference: [kind:][namespace/]name")
    return EntityRef(kind.lower(), namespace.lower(), name.lower())
