"""A service in focus that is improved itself: the figure asked for is held against what was observed of it.

The model composes what a service inherits; what was observed of one in focus is told apart day by day and may
differ. Its own part after ``Improve`` is what the figure leaves beside the *observed* inheritance in the graph as
edited so far; edits that follow change it as they change it in the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import hazard
from sloengine.domain.what_if.achievable import AvailabilityFocus
from sloengine.domain.what_if.edited_model import edited_model
from sloengine.domain.what_if.edits import GraphEdit, Improve
from sloengine.domain.what_if.inheritance import ChangedInheritance, changed_inheritance, own_hazard

# Reach is kept in single precision.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class ImprovedFocus:
    """The last edit that improves a service in focus itself.

    ``place``: of the edit. ``wanted``: hazard that it asks for. ``inherited``: that still reaches the service, as
    observed; ``others``: of those that it forms a cycle with.
    """

    place: int
    wanted: float
    inherited: float
    others: float

    @property
    def best(self) -> float | None:
        """Availability that the service comes to where that is short of what was asked; None: it is not."""
        least = self.inherited + self.others
        return math.exp(-least) if least > self.wanted * (1.0 + _ROUNDING) else None


def improved_focus(
    focus: AvailabilityFocus, model: GraphReliability, edits: Sequence[GraphEdit], root: str, *, max_depth: int
) -> ImprovedFocus | None:
    """What is asked of ``root`` and what stands against it, by ``edits`` made to ``model``; None: nothing is."""
    improved = [
        (place, edit.availability_ratio)
        for place, edit in enumerate(edits)
        if isinstance(edit, Improve) and edit.service_id == root and edit.availability_ratio is not None
    ]
    if not improved:
        return None
    place, asked = improved[-1]
    # Members of a cycle fail together: an improved one brings the others' own failures no less than before, and no
    # more than it was seen to fail by itself: the worst member of each interval speaks for the cycle in the model,
    # which in a large one is far more than any of them showed.
    so_far = edited_model(model, edits[:place], [root]).reliability
    position = model.graph.index[root]
    others = own_hazard(so_far, root) - float(so_far.intrinsic.service_hazard[position])
    inherited = focus.inherited_hazard(changed_inheritance(model, so_far, root, max_depth=max_depth))
    return ImprovedFocus(place, hazard(1.0 - asked), inherited, max(0.0, min(others, focus.own_hazard)))


def held_to_what_was_asked(
    change: ChangedInheritance,
    focus: AvailabilityFocus,
    model: GraphReliability,
    after: GraphReliability,
    edits: Sequence[GraphEdit],
    root: str,
    *,
    max_depth: int,
) -> ChangedInheritance:
    """``change``, from ``model`` to ``after`` by all ``edits``, with the own part that they leave ``root``."""
    found = improved_focus(focus, model, edits, root, max_depth=max_depth)
    if found is None:
        return change
    own = max(found.others, found.wanted - found.inherited)
    if found.place + 1 < len(edits):
        then = own_hazard(edited_model(model, edits[: found.place + 1], [root]).reliability, root)
        last = own_hazard(after, root)
        own = own * last / then if then > 0.0 else own + last
    return change.with_own(focus.own_hazard, own)
