"""What OpenSLO v1 asks of a Service and an SLO, written down by hand: no schema of it is at hand.

Source: OpenSLO's README of v1 and the validation of its Go SDK, pkg/openslo/v1. Unknown fields are refused, as its
strict decoder does.
"""

from __future__ import annotations

import re
from typing import Any

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"[1-9]\d*[mhdwMQY]")
_START = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def problems(document: Any) -> list[str]:
    """What is wrong with it; empty: it is valid."""
    wrong: list[str] = []
    _only(document, {"apiVersion", "kind", "metadata", "spec"}, "", wrong)
    if document.get("apiVersion") != "openslo/v1":
        wrong.append("apiVersion")
    _metadata(document["metadata"], wrong)
    spec = document["spec"]
    if len(spec.get("description", "")) > 1050:
        wrong.append("description")
    if document["kind"] == "Service":
        _only(spec, {"description"}, "spec", wrong)
    elif document["kind"] == "SLO":
        _slo(spec, wrong)
    else:
        wrong.append(f"kind {document['kind']}")
    return wrong


def _slo(spec: Any, wrong: list[str]) -> None:
    known = {"description", "service", "indicator", "timeWindow", "budgetingMethod", "objectives", "alertPolicies"}
    _only(spec, known, "spec", wrong)
    if not _NAME.fullmatch(spec["service"]):
        wrong.append("service")
    if spec["budgetingMethod"] not in ("Occurrences", "Timeslices", "RatioTimeslices"):
        wrong.append("budgetingMethod")
    (window,) = spec["timeWindow"]
    _only(window, {"duration", "isRolling", "calendar"}, "timeWindow", wrong)
    if not _DURATION.fullmatch(window["duration"]) or window["isRolling"] is ("calendar" in window):
        wrong.append("timeWindow")
    if "calendar" in window and not _START.fullmatch(window["calendar"]["startTime"]):
        wrong.append("startTime")
    _indicator(spec["indicator"], wrong)
    for objective in spec["objectives"]:
        # op and value are for threshold metrics only.
        _only(objective, {"displayName", "target", "targetPercent"}, "objective", wrong)
        if ("target" in objective) == ("targetPercent" in objective):
            wrong.append("target xor targetPercent")
        if not 0.0 <= objective.get("targetPercent", 100.0 * objective.get("target", 0.0)) < 100.0:
            wrong.append("targetPercent")
    if not spec["objectives"]:
        wrong.append("objectives")


def _indicator(indicator: Any, wrong: list[str]) -> None:
    _only(indicator, {"metadata", "spec"}, "indicator", wrong)
    _metadata(indicator["metadata"], wrong)
    _only(indicator["spec"], {"ratioMetric"}, "indicator.spec", wrong)
    ratio = indicator["spec"]["ratioMetric"]
    _only(ratio, {"counter", "good", "bad", "total"}, "ratioMetric", wrong)
    if not isinstance(ratio["counter"], bool) or "total" not in ratio or ("good" in ratio) == ("bad" in ratio):
        wrong.append("ratioMetric")
    for part in ratio.keys() - {"counter"}:
        _only(ratio[part], {"metricSource"}, part, wrong)
        source = ratio[part]["metricSource"]
        _only(source, {"metricSourceRef", "type", "spec"}, "metricSource", wrong)
        if not source.get("spec") or not (source.get("type") or source.get("metricSourceRef")):
            wrong.append("metricSource")


def _metadata(metadata: Any, wrong: list[str]) -> None:
    _only(metadata, {"name", "displayName", "labels", "annotations"}, "metadata", wrong)
    if not _NAME.fullmatch(metadata["name"]):
        wrong.append(f"name {metadata['name']}")
    if len(metadata.get("displayName", "")) > 63:
        wrong.append("displayName")
    for key, value in {**metadata.get("labels", {}), **metadata.get("annotations", {})}.items():
        texts = value if isinstance(value, list) else [value]
        if not _KEY.fullmatch(key) or not all(isinstance(text, str) for text in texts):
            wrong.append(f"label {key}")


def _only(mapping: Any, known: set[str], where: str, wrong: list[str]) -> None:
    wrong += [f"{where}.{key} is not known" for key in mapping if key not in known]
