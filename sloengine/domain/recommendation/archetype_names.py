"""Names of archetypes that people understand, from the features that set them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray

_MOSTLY = 0.5
_APART = 0.4
"""Standard deviations between an archetype's mean and all services' that are worth a word."""
_WORDS = {
    "criticality": ("of high criticality", "of low criticality"),
    "callers": ("with many callers", "with few callers"),
    "dependencies": ("with many dependencies", "with few dependencies"),
    "depth": ("far behind the entry points", "near the entry points"),
    "traffic": ("with much traffic", "with little traffic"),
    "external": ("outside the organisation", "inside the organisation"),
}
_ANY, _ORDINARY = "services", "ordinary services"
"""What nothing sets apart is called; the second where there are no phrases either."""
_NOUNS = (
    ("protocol:database", "data stores"),
    ("protocol:messages", "consumers of messages"),
    ("protocol:grpc", "gRPC services"),
    ("protocol:http", "HTTP services"),
)


def name_archetypes(names: Sequence[str], values: FloatArray, labels: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """A name per label. ``values``: features as they are, shape (n_services, n_features), NaN where unknown.

    Two archetypes never share a name: words are added until they differ, a number where words do not help.
    """
    count = int(labels.max()) + 1
    means = np.stack([_means(values[labels == group]) for group in range(count)])
    middle, spread = _means(values), _deviations(values)
    parts = [
        _parts(names, means[group], middle, spread, _mix(names, values[labels == group])) for group in range(count)
    ]
    words = [min(2, len(part)) for part in parts]
    for _ in range(len(names)):
        said = [_sentence(part[:n]) for part, n in zip(parts, words, strict=True)]
        double = {name for name, times in Counter(said).items() if times > 1}
        more = [n < len(part) and name in double for part, n, name in zip(parts, words, said, strict=True)]
        if not any(more):
            break
        words = [n + grows for n, grows in zip(words, more, strict=True)]
    seen: Counter[str] = Counter()
    unique: list[str] = []
    for part, n in zip(parts, words, strict=True):
        name = _sentence(part[:n])
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}, group {seen[name]}")
    return tuple(unique)


def _parts(
    names: Sequence[str], mean: FloatArray, middle: FloatArray, spread: FloatArray, mix: Mapping[str, float]
) -> list[str]:
    """The noun, then phrases from what sets it apart most. ``mix``: shares of protocols and runtimes among all."""
    own = dict(zip(names, mean.tolist(), strict=True)) | dict(mix)
    if own.get("external", 0.0) >= _MOSTLY:
        noun, left = "external providers", {"external", "dependencies", "depth"}
    elif "callers" in own and own["callers"] < 0.5:
        noun, left = "entry points", {"callers", "depth"}
    else:
        noun = next((noun for name, noun in _NOUNS if own.get(name, 0.0) > _MOSTLY), _ANY)
        left = {"external"}
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(spread > 0, (mean - middle) / spread, 0.0)
    phrases: list[tuple[float, str]] = []
    for name, gap in zip(names, np.nan_to_num(apart).tolist(), strict=True):
        if name.startswith("runtime:") and own[name] > _MOSTLY:
            phrases.append((abs(gap), f"running on {name.removeprefix('runtime:')}"))
        elif name in _WORDS and name not in left and abs(gap) >= _APART:
            phrases.append((abs(gap), _WORDS[name][0 if gap > 0 else 1]))
    return [noun, *(phrase for _, phrase in sorted(phrases, key=lambda pair: (-pair[0], pair[1])))]


def _mix(names: Sequence[str], values: FloatArray) -> dict[str, float]:
    """Shares in which services of which nothing is known count as none: few that are known name no group."""
    shares = np.nan_to_num(values).mean(axis=0).tolist()
    return {name: share for name, share in zip(names, shares, strict=True) if ":" in name}


def _sentence(parts: Sequence[str]) -> str:
    """The noun with its phrases: "data stores with many callers and of high criticality"."""
    noun, *phrases = parts
    if not phrases:
        return _ORDINARY if noun == _ANY else noun
    return " ".join([noun, " and ".join(phrases)])


def _means(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _deviations(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    gaps = np.where(known, values - _means(values), 0.0)
    return np.asarray(np.sqrt((gaps**2).sum(axis=0) / np.maximum(known.sum(axis=0), 1)))
