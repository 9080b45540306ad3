"""Reads every sentence of a recommendation (as JSON) and compares each number in it with the field that it tells.

A sentence that is none of those known here fails: a new one is given its meaning here first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

type Json = Mapping[str, Any]

N = r"([\d,]*\.?\d+)"
GOAL = rf"(?:{N} % of requests succeed|(9[59]) % of requests finish within {N} ms)"
TIERS = ("CONSERVATIVE", "BALANCED", "AGGRESSIVE")
LEAD = ("BALANCED", "CONSERVATIVE", "AGGRESSIVE")
EXPLAINED = ("BALANCED", "AGGRESSIVE", "CONSERVATIVE")


def assert_true(found: Json) -> None:
    """Every number in every sentence is the one that the fields have; no sentence says the opposite of another."""
    peers: set[int] = set()
    no_exponents(found)
    summary(found, peers)
    limits(found, peers)
    warnings(found, peers)
    if found["explanation"] is not None:
        explanation(found, peers)
    assert len(peers) <= 1, peers


def number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def near(text: str, fact: float, digits: int) -> None:
    """Rounded to so many significant digits."""
    assert number(text) == pytest.approx(fact, rel=0.51 * 10.0 ** (1 - digits), abs=1e-9), (text, fact)


def whole(text: str, fact: float) -> None:
    assert number(text) == pytest.approx(fact, abs=0.5 + 1e-9), (text, fact)


def availability(text: str, percent: float) -> None:
    """Three digits of what fails."""
    assert 100 - number(text) == pytest.approx(100 - percent, rel=0.0051, abs=1e-9), (text, percent)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=\.)\s+(?=[A-Z\d])", text) if text else []


def texts(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    inside = found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()
    return [text for one in inside for text in texts(one)]


def no_exponents(found: Json) -> None:
    for text in texts({key: value for key, value in found.items() if key != "provenance"}):
        if " " not in text:
            continue
        assert not re.search(r"\d[eE][+-]?\d|\bnan\b|\binf\b|None|(?<![\d.\w])\d{5,}", text), text
        # one of a thing, several things; no doubled marks
        assert not re.search(
            r"(?<![\d.,])1 \w+ (?:services|others)\b|(?<![\d.,])1 (?:minutes|hours|incidents)\b", text
        )
        assert not re.search(r"\(1 others\)|\.\.|,,| ,|  |services \(\d+ services\)", text), text


def tier(found: Json, name: str) -> Json:
    return next(one for one in found["tiers"] if one["name"] == name)


def goal(match: re.Match[str], first: int, target: Json) -> None:
    percent, share, threshold = match.group(first), match.group(first + 1), match.group(first + 2)
    if percent is not None:
        assert number(percent) == pytest.approx(target["availabilityPercent"], rel=1e-9)
    else:
        assert target["kind"] == f"LATENCY_P{share}"
        near(threshold, target["thresholdMs"], 6)


def hundredths(text: str, probability: float) -> None:
    assert int(text) == int(100 * probability + 1e-9)


def span(text: str, days: float) -> None:
    size, unit = text.split(" ")
    if unit.startswith("hour"):
        whole(size, 24 * days)
        assert days < 3
    else:
        near(size, days, 3)


def summary(found: Json, peers: set[int]) -> None:
    by_name = {one["name"]: one for one in found["tiers"]}
    lead = next((by_name[name] for name in LEAD if by_name[name]["targets"]), None)
    said = sentences(found["summary"])
    promises = [one for one in said if lead is not None and promise(one, found, lead)]
    tiers = [one for one in said if other_tier(one, by_name)]
    if lead is None:
        assert said[0].startswith("No target can be recommended for ")
        assert len(tiers) == 1
        said = said[1:]
    else:
        has_budget = lead["targets"][0]["availabilityPercent"] is not None
        assert len(promises) == 1 + (len(lead["targets"]) > 1) + has_budget
        assert len(tiers) == 2
    for one in said:
        if one not in promises and one not in tiers:
            known = past(one, found, lead, peers) or limit_sentence(one, lead) or noted(one, found)
            assert known, f"an unknown sentence: {one}"


def promise(said: str, found: Json, lead: Json) -> bool:
    """The preferred tier's targets and what the first one allows."""
    first, *more = lead["targets"]
    if match := re.fullmatch(
        rf"(.+) can promise that {GOAL} over (.+) \((\w+)\): expect to keep it in (\d+) of 100 windows\.", said
    ):
        assert match[1] == found["service"]["serviceId"]
        goal(match, 2, first)
        assert match[6].upper() == lead["name"]
        hundredths(match[7], first["probabilityMet"])
        return True
    if match := re.fullmatch(rf"Also: {GOAL} in (\d+) of 100 windows\.", said):
        goal(match, 1, more[0])
        hundredths(match[4], more[0]["probabilityMet"])
        return True
    allowed = rf"That allows {N} minutes? of full outage(?:, or {N} failed requests?)? per window\."
    if match := re.fullmatch(allowed, said):
        near(match[1], first["errorBudget"]["minutes"], 3)
        if match[2] is not None:
            whole(match[2], first["errorBudget"]["requests"])
        return True
    return False


def other_tier(said: str, by_name: Mapping[str, Json]) -> bool:
    """Another tier's target, or why it has none."""
    kept = rf"(Conservative|Balanced|Aggressive): {GOAL}, kept in (\d+) of 100 windows\."
    if match := re.fullmatch(kept, said):
        target = by_name[match[1].upper()]["targets"][0]
        goal(match, 2, target)
        hundredths(match[5], target["probabilityMet"])
        return True
    if re.match(r"No (?:Conservative|Balanced|Aggressive) |No p9[59] target", said):
        reason = said[:1].lower() + said[1:-1]
        assert any(one["missingReason"] == reason for one in by_name.values()), said
        return True
    return False


def noted(said: str, found: Json) -> bool:
    """What the data contradict, and what the layout of buckets costs."""
    if match := re.fullmatch(r"Failures of (.+) hardly reach it.*, whatever the graph declares\.", said):
        messages = "".join(one["message"] for one in found["bound"]["contradictions"])
        assert all(name in messages for name in match[1].split(", "))
        return True
    if re.match(r"The bounds of its histogram, more than the service|Add .* to the bucket bounds", said):
        layout = [one for one in found["dataQuality"]["warnings"] if "has no bound between" in one]
        assert all(any(figure in one for one in layout) for figure in re.findall(N, said)), said
        return True
    return False


def past(said: str, found: Json, lead: Json | None, peers: set[int]) -> bool:
    if lead is None:
        return False
    target = lead["targets"][0]
    replay = target["backtest"]
    if match := re.fullmatch(
        rf"With (.+) of history, not one whole window, this rests mostly on what (?:{N} other services? shows?|a "
        r"shipped default assumes)(?:, above all (.+))?\.",
        said,
    ):
        assert replay is None or replay["windows"] == 0
        span(match[1], found["dataQuality"]["daysOfHistory"])
        if match[2]:
            peers.add(int(number(match[2])))
        above_all(match[3], found)
        return True
    match = re.fullmatch(
        r"(?:The one past window (kept|broke) it|All (\d+) past windows kept it"
        r"|(\d+) of (\d+) past windows kept it)"
        rf"(?:; (?:one window alone carries|(\d+) windows alone carry) no more than (\d+) %, the rest of the "
        rf"probability comes from (?:{N} other services?|a shipped default)(?:, above all (.+))?)?\.",
        said,
    )
    if match is None:
        return False
    windows, met = replay["windows"], replay["met"]
    if match[1]:
        assert (windows, met) == (1, int(match[1] == "kept"))
    elif match[2]:
        assert windows == met == int(match[2])
    else:
        assert (met, windows) == (int(match[3]), int(match[4]))
    if match[6]:
        assert match[5] is None or int(match[5]) == windows
        whole(match[6], 100 * target["dataOnlyProbability"])
        # What is printed first is more than "no more than" that.
        assert int(100 * target["probabilityMet"] + 1e-9) > int(match[6])
    if match[7]:
        peers.add(int(number(match[7])))
        above_all(match[8], found)
    return True


def above_all(said: str | None, found: Json) -> None:
    """A young service's kind is named where more than half is taken from it."""
    quality = found["dataQuality"]
    kind = None if "of this organisation" in quality["archetype"] else quality["archetype"]
    most = (
        quality["coldStart"] and quality["archetypeWeight"] > 0.5 and "shipped default" not in quality["archetype"]
    )
    assert said == (kind if most else None)


def limit_sentence(said: str, lead: Json | None) -> bool:
    match = re.fullmatch(r"What keeps it from being tighter: (.+)\.", said)
    if match is None or lead is None:
        return False
    first = next(one for one in lead["targets"][0]["limitedBy"] if one["limit"] != "ROUNDING")
    assert match[1] == first["message"]
    return True


def limits(found: Json, peers: set[int]) -> None:
    quality, bound = found["dataQuality"], found["bound"]
    for one in found["tiers"]:
        for target in one["targets"]:
            for limited in target["limitedBy"]:
                said, ratio = limited["message"], target["availabilityPercent"]
                if match := re.fullmatch(
                    r"(?:no|[\d,]+) (?:incident|slow spell)s? in (.+) of own history"
                    rf"(, which does not rule one out|, which says little: (\d+) % of .+ comes from "
                    rf"(?:{N} other services?|the shipped default.*))?",
                    said,
                ):
                    span(match[1], quality["daysOfHistory"])
                    assert (limited["limit"] == "PRIOR") == (match[3] is not None)
                    if match[3] and "of this organisation" in quality["archetype"]:
                        whole(match[3], 100 * quality["archetypeWeight"])
                    if match[4]:
                        peers.add(int(number(match[4])))
                elif match := re.fullmatch(
                    rf".*(?:does no better than|gets no more than) {N} %"
                    r"(?:; of what it inherits most comes from (.+))?",
                    said,
                ):
                    # three digits of what fails, and rounding is to the safe side
                    assert 100 - number(match[1]) <= (100 - ratio) * 1.006
                    if match[2]:
                        shares = {
                            part["service"]["serviceId"]: part["sharePercent"]
                            for part in bound["contributions"]
                            if part["service"]["serviceId"] != found["service"]["serviceId"]
                        }
                        assert shares[match[2]] == max(shares.values())
                elif match := re.fullmatch(rf"{N} % rounded to a figure people use, to the safe side", said):
                    assert ratio <= number(match[1]) + 1e-9
                elif match := re.fullmatch(rf"{N} ms raised to the next bound of the histogram", said):
                    assert number(match[1]) <= target["thresholdMs"] * 1.006
                elif not said.startswith(("today's data give", "with about ")):
                    raise AssertionError(f"an unknown limit: {said}")


def warnings(found: Json, peers: set[int]) -> None:
    quality = found["dataQuality"]
    if match := re.fullmatch(rf"{N} services? of this organisation", quality["archetype"]):
        peers.add(int(number(match[1])))
    for said in quality["warnings"]:
        if match := re.match(r"(?:cold start: )?(\S+ (?:hours?|days)) of history", said):
            span(match[1], quality["daysOfHistory"])
        if match := re.search(rf"{N} other services?", said):
            peers.add(int(number(match[1])))
        how_often = "gets slow" if found["sliType"] == "LATENCY" else "fails"
        if match := re.match(
            rf"of how often it {how_often}, (\d+) % is taken from (.+), (\d+) % from all {N}", said
        ):
            whole(match[1], 100 * quality["archetypeWeight"])
            assert match[2] == quality["archetype"]
            assert int(match[1]) + int(match[3]) <= 101
        if match := re.fullmatch(r"(\d+) % of the intervals since the first one have no data", said):
            whole(match[1], 100 - 100 * quality["completeness"])


def explanation(found: Json, peers: set[int]) -> None:
    told = found["explanation"]
    unit, parts = told["unit"], told["attributions"]
    assert sum(part["contribution"] for part in parts) == pytest.approx(
        told["targetValue"] - told["referenceValue"], abs=1e-9
    )
    name = next(one for one in EXPLAINED if tier(found, one)["targets"])
    target = tier(found, name)["targets"][0]
    assert told["tier"] == name
    assert told["targetValue"] == pytest.approx(target["availabilityPercent"] or target["thresholdMs"])
    changes = {f"{one['change']}.": one for one in told["counterfactuals"]}
    for one in told["counterfactuals"]:
        counterfactual(one, told, target)
    for said in sentences(told["summary"]):
        if said in changes:
            continue
        figure = rf"{N} (?:%|ms)"
        if match := re.fullmatch(rf"The (\w+)(?: p9[59])? target is {figure}; (.+?),? would get {figure}\.", said):
            assert match[1].upper() == name
            shown(match[2], told["targetValue"], unit, 6)
            assert match[3] == told["reference"]
            shown(match[4], told["referenceValue"], unit, 4)
            if others := re.search(rf"of this organisation \({N} others?\)", match[3]):
                peers.add(int(number(others[1])))
        elif match := re.fullmatch(r"What makes it (tighter|looser): (.+)\.", said):
            sides(match[1], match[2].split("; "), told)
        else:
            assert said == "No single change that was tried is enough for one more nine."
            tried = [one for one in told["counterfactuals"] if "One nine less" not in one["change"]]
            assert not any(one["feasible"] for one in tried)


def sides(side: str, named: list[str], told: Json) -> None:
    better = 1 if told["unit"] == "percent" else -1
    sign = better if side == "tighter" else -better
    left = list(told["attributions"])
    sizes = []
    for text in named:
        match = re.fullmatch(rf"(.+) ([+−])({N}) (?:points|ms)", text)
        assert match is not None, text
        part = next(p for p in left if match[1] == (p["service"]["serviceId"] if p["service"] else p["feature"]))
        left.remove(part)
        near(match[3], abs(part["contribution"]), 3)
        assert (part["contribution"] > 0) == (match[2] == "+")
        assert part["contribution"] * sign > 0
        sizes.append(abs(part["contribution"]))
    assert sizes == sorted(sizes, reverse=True)
    # none of that side that is larger was left out
    others = [abs(p["contribution"]) for p in left if p["contribution"] * sign > 0]
    assert max(others, default=0.0) <= sizes[-1]


def shown(text: str, fact: float, unit: str, digits: int) -> None:
    if unit == "percent":
        availability(text, fact)
    else:
        near(text, fact, digits)


def counterfactual(one: Json, told: Json, target: Json) -> None:
    said, before, after = one["change"], one["before"], one["after"]
    reached, at = one["resultingTarget"], told["targetValue"]
    if one["service"] is not None:
        assert one["service"]["serviceId"] in said
    if match := re.fullmatch(
        rf"One more nine \({N} %\) takes (.+), by its own failures, from {N} % to {N} %", said
    ):
        availability(match[1], reached)
        assert one["feasible"]
        assert 100 - reached <= (100 - at) / 10 + 1e-9
        availability(match[3], before)
        availability(match[4], after)
        assert after >= before
    elif match := re.fullmatch(
        rf"Even if (.+), now at {N} % by its own failures, never failed, the target would be {N} %", said
    ):
        assert not one["feasible"]
        availability(match[2], before)
        assert after == 100
        availability(match[3], reached)
        assert 100 - reached > (100 - at) / 10 - 1e-9
    elif match := re.fullmatch(
        rf"With the call to (.+) made soft \(a fallback that lets {N} instead of {N} of its failures through\) "
        rf"the target would be {N} %",
        said,
    ):
        near(match[2], after, 3)
        near(match[3], before, 3)
        availability(match[4], reached)
        assert after < before
    elif match := re.fullmatch(
        r"With an independent second (.+) beside it \(a tenth of its failures still in common\) the target "
        rf"would be {N} %",
        said,
    ):
        availability(match[2], reached)
        assert after >= before
        assert (100 - after) == pytest.approx((100 - before) * (0.1 + 0.9 * (1 - before / 100)), abs=1e-9)
    elif match := re.fullmatch(
        rf"One more nine cannot be tested: it takes about {N} requests in a window, and there are about {N}", said
    ):
        assert not one["feasible"]
        whole(match[1], after)
        whole(match[2], before)
        assert after > before
    elif match := re.fullmatch(
        rf"(?:One nine less \({N} %\)|The next looser bound, {N} ms,) would be kept in (\d+) of 100 windows "
        r"(?:as now|instead of (\d+))(, with ten times the error budget)?",
        said,
    ):
        shown(match[1] or match[2], reached, told["unit"], 6)
        hundredths(match[3], after)
        hundredths(match[4] or match[3], before)
        assert before == target["probabilityMet"]
        assert after >= before
        if match[5]:
            assert 100 - reached == pytest.approx(10 * (100 - at))
    elif match := re.fullmatch(rf"The next bound, {N} ms, takes a usual p95 of {N} ms instead of {N} ms", said):
        near(match[1], reached, 6)
        assert reached < at
        near(match[2], after, 4)
        near(match[3], before, 4)
        assert after < before
    elif match := re.fullmatch(rf"Without its own {N} slow spells? on record the target would be {N} ms", said):
        whole(match[1], before)
        near(match[2], reached, 6)
        assert reached <= at + 1e-9
    else:
        raise AssertionError(f"an unknown counterfactual: {said}")
    if one["feasible"] and "nine less" not in said and "looser bound" not in said:
        assert reached > at if told["unit"] == "percent" else reached < at
