"""What a person reads of a service that is ten days old."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from tests.application.recommendation.test_cold_start import CALLS, history
from tests.cli.conftest import Run


def files(folder: Path) -> tuple[str, ...]:
    """Eighteen services over sixty days and a young one, summed by the day, and who calls whom."""
    panel = history(busy="store", young=("new-store",))
    midnight = panel.start_at.replace(hour=0)  # a file of days has the days of UTC
    rows = ["timestamp,service,good,total"]
    for name, good, total in zip(panel.service_ids, panel.good, panel.total, strict=True):
        for day in range(60):
            hours = slice(24 * day, 24 * day + 24)
            if not np.isnan(total[hours]).any():
                at = (midnight + 24 * day * panel.step).isoformat()
                rows.append(f"{at},{name},{good[hours].sum():.0f},{total[hours].sum():.0f}")
    (folder / "sli.csv").write_text("\n".join(rows) + "\n")
    calls = [*CALLS, *({**call, "dependency": "new-store"} for call in CALLS if call["dependency"] == "store-0")]
    (folder / "graph.json").write_text(json.dumps({"services": [], "dependencies": calls}))
    return "--sli", str(folder / "sli.csv"), "--edges", str(folder / "graph.json")


def test_a_young_service_is_told_what_it_was_compared_with_how_much_and_when_to_look_again(
    run: Run, tmp_path: Path
):
    given = ("offline", *files(tmp_path), "--service", "new-store")

    shown, told = run(*given), run(*given, "--json")

    assert (shown.code, told.code) == (0, 0)
    [found] = told.json["recommendations"]
    quality = found["dataQuality"]
    assert quality["coldStart"] is True
    assert quality["archetype"].startswith("data stores")
    assert quality["archetype"].endswith("(9 others)")
    assert found["reviewAt"] == found["expiresAt"]
    assert found["confidence"] <= 0.5
    [note] = [text for text in quality["warnings"] if "is taken from" in text]
    said = re.fullmatch(
        r"of how often it fails, (\d+) % is taken from (.+), (\d+) % from all 18 other services, "
        r"the rest from its own days",
        note,
    )
    assert said is not None
    kind, named, others = said.groups()
    assert named == quality["archetype"]
    assert int(kind) == round(100 * quality["archetypeWeight"])
    assert 0 < int(others) < 100 - int(kind)
    assert note in " ".join(shown.out.split())
    # More is taken from its kind than from all else, so that the sentences for everybody name it, too.
    rests = f"this rests mostly on what 18 other services show, above all {named}."
    assert int(kind) > 50
    assert rests in found["summary"]
    assert rests in " ".join(shown.out.split())
    # The sentence of the target says the same of all that is not its own.
    spread = re.search(r"(\d+) % of the incident rate comes from 18 other services", found["summary"])
    assert spread is not None
    assert abs(int(spread[1]) - int(kind) - int(others)) <= 1
