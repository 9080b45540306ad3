"""PromQL for whole hours of many services at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sloengine.infrastructure.prometheus.presets import EdgePreset, RequestPreset
from sloengine.infrastructure.prometheus.promql_names import name, names, quoted, selector

_RE2_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def service_matcher(label: str, service_ids: Sequence[str]) -> str:
    """Matches these identities; ``job`` may carry a namespace before a slash."""
    alternatives = "|".join(_RE2_SPECIAL.sub(r"\\\g<0>", service_id) for service_id in service_ids)
    prefix = "(.+/)?" if label == "job" else ""
    return f"{name(label)}=~{quoted(f'{prefix}({alternatives})')}"


def value_matcher(label: str, values: Sequence[str]) -> str:
    """Matches these values and nothing else."""
    alternatives = "|".join(_RE2_SPECIAL.sub(r"\\\g<0>", value) for value in values)
    return f"{name(label)}=~{quoted(f'({alternatives})')}"


def _range(metric: str, matchers: Iterable[str], range_: str) -> str:
    return f"{selector(metric, matchers)}[{range_}]"


def requests(preset: RequestPreset, label: str, matcher: str, *, native: bool = False, range_: str = "1h") -> str:
    """Requests of each service in the hour before the evaluation.

    ``native``: counted by a native histogram, which takes the place of the counter.
    """
    return _requests(preset, label, (matcher,), native, range_)


def failures(preset: RequestPreset, label: str, matcher: str, *, native: bool = False, range_: str = "1h") -> str:
    """Failed requests of each service; alternatives do not overlap, so they are put side by side and summed."""
    return _requests(preset, label, tuple(f"{matcher},{failed}" for failed in preset.failures), native, range_)


def _requests(preset: RequestPreset, label: str, alternatives: Iterable[str], native: bool, range_: str) -> str:
    metric = native_metric(preset) if native else preset.metric
    parts = [f"increase({_range(metric, (preset.matchers, one), range_)})" for one in alternatives]
    summed = f"sum by ({name(label)}) ({' or '.join(parts)})"
    return f"histogram_count({summed})" if native else summed


_PROCESS_LABELS = ("instance", "pod", "namespace", "cluster")
"""What tells processes of a service apart; those that a server does not have are empty on both sides."""


def first_failures(preset: RequestPreset, label: str, matcher: str, *, range_: str = "1h") -> str:
    """Failed requests of each service that ``increase`` leaves out: what a series was born with in the hour.

    Only of processes some series of which was there at the hour's start and is at its end: their others cannot
    have begun before. A first value of any other says nothing of when it was counted. What the counter shows less
    what ``increase`` says, because that of VictoriaMetrics counts first values itself.
    """
    return _first(preset.metric, (preset.matchers, matcher), preset.failures, [label], range_)


def first_failed_calls(preset: EdgePreset, matcher: str, *, range_: str = "1h") -> str:
    """The same of calls between services; ``edge_calls`` has those counted since."""
    ends = [preset.caller_label, preset.dependency_label]
    return _first(preset.failed, (matcher,), ("",), ends, range_, going_on=preset.calls)


def _first(
    metric: str,
    matchers: Sequence[str],
    alternatives: Iterable[str],
    by: Sequence[str],
    range_: str,
    going_on: str | None = None,
) -> str:
    parts = []
    for one in alternatives:
        series = _range(metric, (*matchers, one), range_)
        shown = f"last_over_time({series})"
        parts.append(
            f"(clamp_min({shown} - (increase({series}) or 0 * {shown}), 0) "
            f"unless last_over_time({series} offset {range_}))"
        )
    there = selector(going_on or metric, matchers)
    same = names([*by, *_PROCESS_LABELS])
    return f"sum by ({names(by)}) (({' or '.join(parts)}) and on ({same}) ({there} and {there} offset {range_}))"


def buckets(preset: RequestPreset, label: str, matcher: str, *, native: bool = False, range_: str = "1h") -> str:
    """Requests at or under each bound, of each service; ``native``: one histogram each, with its buckets in it."""
    if preset.histogram is None:
        raise ValueError(f"preset {preset.name} has no histogram")
    metric = native_metric(preset) if native else preset.histogram
    selected = _range(metric, (preset.histogram_matchers, matcher), range_)
    return f"sum by ({names([label] if native else [label, 'le'])}) (increase({selected}))"


def native_metric(preset: RequestPreset) -> str:
    """Name of the preset's native histogram. Raises: ValueError, if it has none."""
    if preset.native_histogram is None:
        raise ValueError(f"preset {preset.name} has no histogram")
    return preset.native_histogram


def edge_calls(preset: EdgePreset, matcher: str, *, failed: bool, range_: str = "1h") -> str:
    """Calls, or failed calls, per (caller, dependency)."""
    metric = preset.failed if failed else preset.calls
    selected = _range(metric, (matcher,), range_)
    return f"sum by ({names([preset.caller_label, preset.dependency_label])}) (increase({selected}))"
