"""What is said of edits that do not come to what was asked for, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sloengine.domain.reliability.percent import percent_text
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.what_if.edits import AddFallback, AddReplica, Cut, GraphEdit, Improve, MakeAsync


def short_notes(
    model: GraphReliability, edits: Sequence[GraphEdit], short: Mapping[int, float], near: Collection[str]
) -> list[str]:
    """Of improvements that are kept from their figure. ``short``: by the place of the edit, the best that is left.

    ``near``: services that those in focus can feel.
    """
    found: list[str] = []
    for place, best in short.items():
        edit = edits[place]
        if not isinstance(edit, Improve) or edit.service_id not in near:
            continue
        position = model.graph.index[edit.service_id]
        cycle = len(model.members[model.contracted.labels[position]])
        if cycle > 1 and 1.0 - float(model.shown[position]) > best:
            # What all members together show says nothing of one of them that has shown better.
            found.append(
                f"edit {place} is not reached: {edit.service_id} is in a cycle of {cycle:,} services, which fail "
                "each other however well it does by itself; cut what closes the cycle, or improve more of them"
            )
        else:
            left = percent_text(best, 4)
            found.append(f"edit {place} is not reached: what {edit.service_id} inherits leaves it {left} at most")
    return found


def inside_notes(
    before: GraphReliability, after: GraphReliability, edits: Sequence[GraphEdit], near: Collection[str]
) -> list[str]:
    """Of calls inside a cycle that all edits together leave one: its members fail each other all the same."""
    found: list[str] = []
    index = before.graph.index
    for place, edit in enumerate(edits):
        if isinstance(edit, AddReplica | Improve) or edit.caller not in near:
            continue
        ends = [index.get(name) for name in (edit.caller, edit.dependency)]
        labels = [{model.contracted.labels[end] for end in ends if end is not None} for model in (before, after)]
        if None not in ends and all(len(one) == 1 for one in labels):
            size = len(after.members[labels[1].pop()])
            found.append(
                f"edit {place} moves no availability: the call lies inside a cycle of {size:,} services that "
                "stays one without it, and in a cycle each fails all; cut what closes the cycle, or edit calls "
                "that leave it"
            )
    return found


def gone_notes(edits: Sequence[GraphEdit]) -> list[str]:
    """Of edits of a call that an earlier one has taken away."""
    found: list[str] = []
    gone: dict[tuple[str, str], tuple[int, str]] = {}
    for place, edit in enumerate(edits):
        if isinstance(edit, AddReplica | Improve):
            continue
        pair = edit.caller, edit.dependency
        if pair in gone:
            earlier, how = gone[pair]
            found.append(
                f"edit {place} changes nothing beside edit {earlier}, which {how} the call from {edit.caller} to"
                f" {edit.dependency}"
            )
        elif isinstance(edit, Cut | MakeAsync):
            gone[pair] = place, "cuts" if isinstance(edit, Cut) else "waits no longer for"
    return found


def unknown_notes(model: GraphReliability, edits: Sequence[GraphEdit]) -> list[str]:
    """Of edits that rest on a service of which nobody knows how often it fails."""
    found: list[str] = []
    for place, edit in enumerate(edits):
        match edit:
            case Improve(availability_ratio=None):
                continue
            case AddReplica(service_id=name) | Improve(service_id=name) | AddFallback(fallback=str(name)):
                pass
            case _:
                name = edit.dependency
        if model.graph.index.get(name) in model.unknown:
            found.append(
                f"edit {place} rests on {name}, of which nothing is known, neither telemetry nor a published"
                " figure: it counts as never failing"
            )
    return found
