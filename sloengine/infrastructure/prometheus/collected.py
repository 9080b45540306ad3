"""Answers of one pull, turned into arrays shard by shard."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sloengine.application.ports.telemetry_source import Pulled
from sloengine.domain.reliability.panel import EdgePanel, FloatArray, LatencyHistory, SliPanel
from sloengine.domain.topology.name_decisions import NOTHING_REMEMBERED, RememberedNames
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRules
from sloengine.infrastructure.prometheus.discovery import Convention, HistogramKind
from sloengine.infrastructure.prometheus.identities import reconcile, refused_labels
from sloengine.infrastructure.prometheus.matrices import Key, histogram_rows, on_grid
from sloengine.infrastructure.prometheus.native import NATIVE_BOUNDS_SECONDS, native_rows

HOUR = timedelta(hours=1)
NOTHING_LOST: Mapping[int, str] = {}
MOST_SPLITS = 64
"""Halvings of a pull in search of what the server could not count; beyond them, more is not counted."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Whole hours from ``start_at`` on."""

    start_at: datetime
    hours: int

    @property
    def first_end(self) -> float:
        """Unix second at which the first hour is over, when it is evaluated."""
        return (self.start_at + HOUR).timestamp()


class Collected:
    """Arrays filled shard by shard."""

    def __init__(
        self,
        wanted: Sequence[str],
        grid: Grid,
        rules: NameRules = DEFAULT_NAME_RULES,
        remembered: RememberedNames = NOTHING_REMEMBERED,
    ) -> None:
        self.grid = grid
        self.rules = rules
        self.remembered = remembered
        self.wanted = tuple(wanted)
        self.rows = {service_id: row for row, service_id in enumerate(wanted)}
        self.good: FloatArray = np.full((len(wanted), grid.hours), np.nan)
        self.total: FloatArray = np.full((len(wanted), grid.hours), np.nan)
        self.answered: set[str] = set()
        self.latency: dict[str, LatencyHistory] = {}
        self.edges: EdgePanel | None = None
        self.refused: dict[str, str] = {}
        self.queries: list[str] = []
        self._splits_left = MOST_SPLITS

    @property
    def has_shipped_names(self) -> bool:
        """Whether ids follow from the shipped rules alone, so that a matcher finds their label values."""
        return self.rules == DEFAULT_NAME_RULES and not self.remembered.has_full_names(self.wanted)

    def take(
        self,
        convention: Convention,
        shard: Sequence[str],
        answers: Mapping[str, list[Any]],
        lost: Mapping[int, str] = NOTHING_LOST,
    ) -> None:
        """Turn one shard's answers into rows.

        ``lost``: hours whose requests or failures the server could not count, and why: they are no data.
        """
        self.note_lost(shard, lost)
        label = convention.service_label
        self._refuse_personal(answers.values(), (label, "le"))
        values = {str(series["metric"].get(label, "")) for series in answers["requests"]}
        identities = reconcile(values, shard, self.rules, convention.preset.source, self.remembered)
        for service_id, candidates in identities.ambiguous.items():
            self.refused[service_id] = (
                f"several series could be this service ({', '.join(candidates)}): name the service as one of them"
            )

        def key_of(key: Key) -> Key | None:
            service_id = identities(key[0])
            return None if service_id is None else (service_id, *key[1:])

        requests = self._grid_rows(answers["requests"], (label,), key_of)
        failures = self._grid_rows(answers["failures"], (label,), key_of)
        # What failed before a series had two values is in neither of the others.
        first = self._grid_rows(answers.get("first_failures", []), (label,), key_of)
        none = np.full(self.grid.hours, np.nan)
        for (service_id,), total in requests.items():
            # No failure series while requests are counted means that nothing failed.
            new = np.nan_to_num(first.get((service_id,), none))
            bad = np.nan_to_num(failures.get((service_id,), none)) + new
            row = self.rows[service_id]
            # Extrapolation works per series, so failures can exceed requests by a rounding error.
            self.total[row] = self._without(total + new, lost)
            self.good[row] = np.clip(self.total[row] - bad, 0.0, None)
            self.answered.add(service_id)
        if "buckets" not in answers:
            return
        if convention.histogram is HistogramKind.NATIVE:
            self._take_native(convention, answers["buckets"], key_of)
        else:
            self._take_histograms(convention, self._grid_rows(answers["buckets"], (label, "le"), key_of))

    def _take_histograms(self, convention: Convention, rows: Mapping[Key, FloatArray]) -> None:
        by_service: dict[str, dict[float, FloatArray]] = {}
        for (service_id, le), row in rows.items():
            # Prometheus 3 writes le="1.0" where earlier versions wrote le="1": the number counts.
            bound = float(le) * convention.preset.unit_seconds
            known = by_service.setdefault(service_id, {})
            known[bound] = row if bound not in known else np.nansum([known[bound], row], axis=0)
        for service_id, cumulative in by_service.items():
            if not np.isposinf(max(cumulative)):
                self.refused[service_id] = "latency histogram without a +Inf bucket"
                continue
            bounds, counts, mixed = histogram_rows(cumulative)
            if mixed:
                self.refused[service_id] = "instances with different latency bucket layouts cannot be added up"
                continue
            self.latency[service_id] = LatencyHistory(service_id, self.grid.start_at, bounds, counts)

    def _take_native(self, convention: Convention, result: list[Any], key_of: Callable[[Key], Key | None]) -> None:
        unit = convention.preset.unit_seconds
        grid = (self.grid.first_end, HOUR.total_seconds(), self.grid.hours)
        for (service_id,), counts in native_rows(result, convention.service_label, grid, key_of, unit).items():
            if counts is None:
                self.refused[service_id] = (
                    "native latency histogram with buckets wider than a factor of two: counts at other bounds "
                    "would be guesses; record it at a finer resolution, or as a classic histogram"
                )
                continue
            bounds = np.array([*NATIVE_BOUNDS_SECONDS, np.inf])
            self.latency[service_id] = LatencyHistory(service_id, self.grid.start_at, bounds, counts)

    def take_edges(
        self,
        labels: tuple[str, str],
        calls: list[Any],
        failed: list[Any],
        first: list[Any],
        lost: Mapping[int, str] = NOTHING_LOST,
    ) -> None:
        """Calls per edge, among wanted services only.

        ``first``: failed calls that a series was born with, in neither of the others. ``lost``: as of ``take``.
        """
        self.note_lost(("calls between services",), lost)
        ends = [{str(series["metric"].get(label, "")) for series in calls} for label in labels]
        callers, dependencies = (
            reconcile(values, self.wanted, self.rules, remembered=self.remembered) for values in ends
        )

        def key_of(key: Key) -> Key | None:
            caller, dependency = callers(key[0]), dependencies(key[1])
            return None if caller is None or dependency is None or caller == dependency else (caller, dependency)

        call_rows = self._grid_rows(calls, labels, key_of)
        failed_rows, first_rows = (self._grid_rows(rows, labels, key_of) for rows in (failed, first))
        if not call_rows:
            return
        pairs = tuple((key[0], key[1]) for key in sorted(call_rows))
        none = np.full(self.grid.hours, np.nan)
        new = np.nan_to_num(np.stack([first_rows.get(pair, none) for pair in pairs]))
        # The calls' own series are older: of those with ``failed`` as a label the first value is left out as well.
        all_calls = np.stack([self._without(call_rows[pair], lost) for pair in pairs])
        all_failed = np.nan_to_num(np.stack([failed_rows.get(pair, none) for pair in pairs])) + new
        all_failed = np.where(np.isnan(all_calls), np.nan, all_failed)
        self.edges = EdgePanel(pairs, self.grid.start_at, HOUR, all_calls, np.minimum(all_failed, all_calls))

    def finish(self, query_count: int) -> Pulled:
        """What was pulled."""
        panel = SliPanel(self.wanted, self.grid.start_at, HOUR, self.good, self.total)
        return Pulled(panel, self.latency, self.edges, self.refused, tuple(self.queries), query_count)

    def may_split(self) -> bool:
        """Whether one more query may be halved to find what the server could not count."""
        self._splits_left -= 1
        return self._splits_left >= 0

    @staticmethod
    def _without(row: FloatArray, lost: Collection[int]) -> FloatArray:
        left = row.copy()
        left[list(lost)] = np.nan
        return left

    def note_lost(self, names: Sequence[str], lost: Mapping[int, str]) -> None:
        """Say of these that hours are not counted; those without a reason are before what the server keeps."""
        reasons = {at: why for at, why in lost.items() if why}
        if reasons:
            hours = f"{len(reasons)} hours are" if len(reasons) > 1 else "an hour is"
            why = f"{hours} not counted, because Prometheus left values out: {next(iter(reasons.values()))}"
            self.refused.update(dict.fromkeys(names, why))

    def _grid_rows(
        self, result: list[Any], labels: Sequence[str], key_of: Callable[[Key], Key | None]
    ) -> dict[Key, FloatArray]:
        return on_grid(
            result,
            labels,
            first_end=self.grid.first_end,
            step_seconds=HOUR.total_seconds(),
            count=self.grid.hours,
            key_of=key_of,
        )

    def _refuse_personal(self, results: Any, identity_labels: Sequence[str]) -> None:
        for result in results:
            for series in [*result]:
                reason = refused_labels(series["metric"], identity_labels)
                if reason is not None:
                    self.refused[str(series["metric"].get(identity_labels[0], "?"))] = reason
                    result.remove(series)
