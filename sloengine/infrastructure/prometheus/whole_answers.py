"""What a server says beside its answer, and which of it means that numbers would be wrong.

Sources: Prometheus, util/annotations/annotations.go; Thanos, docs/components/query.md (partial response) and
pkg/store/proxy.go; VictoriaMetrics, docs/cluster-victoriametrics (cluster availability).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sloengine.domain.errors import Unavailable

PARTIAL = "the answer is partial (isPartial)"
"""VictoriaMetrics says so in a field of its own and does not say which store is away."""
_NO_STORE = "no storeapis matched"
_ANNOTATION = "promql warning"
_INFORMATION = "promql info"
_LOSES_NOTHING = ("quantile value should be between", "ratio value should be between")


class PartialAnswer(Unavailable):
    """A part of what was asked for: a store behind the server is away. It is whole when the store is back."""


def remarks(body: Mapping[str, Any]) -> list[str]:
    """The server's warnings, cut to 300 characters each; ``infos`` are none."""
    said = body.get("warnings")
    told = [str(one)[:300] for one in said] if isinstance(said, list) else []
    return [*told, PARTIAL] if body.get("isPartial") is True else told


def missing_store(said: Sequence[str]) -> str | None:
    """The first remark that is none of PromQL's, with how many more there are: a part of the data was not read.

    What is not known counts as that: nobody can tell that nothing is missing.
    """
    return _first([one for one in said if not _is_promql(one) and not is_no_store(one)])


def no_store(said: Sequence[str]) -> str | None:
    """Thanos' remark that no store has the range at all."""
    return _first([one for one in said if is_no_store(one)])


def lost_values(said: Sequence[str]) -> str | None:
    """The first warning of PromQL after which values are missing or wrong: mixed kinds of samples are left out.

    Asking again gives the same. Up to Prometheus 2.53 information is among the warnings: it takes nothing away.
    """
    return _first(
        [
            one
            for one in said
            if one.lower().startswith(_ANNOTATION) and not any(sign in one for sign in _LOSES_NOTHING)
        ]
    )


def is_no_store(remark: str) -> bool:
    """Whether it is that one."""
    return _NO_STORE in remark.lower()


def _is_promql(remark: str) -> bool:
    return remark.lower().startswith((_ANNOTATION, _INFORMATION))


def _first(remarks: Sequence[str]) -> str | None:
    told = list(dict.fromkeys(remarks))
    if not told:
        return None
    return told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else "")
