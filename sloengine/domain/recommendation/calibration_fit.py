"""Learn a recalibration map from where outcomes lay in what the model had said of them."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import betainc, betaln

from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.reliability.panel import FloatArray

PENALTY = 5.0
"""So many independent windows' worth of resistance against leaving the identity."""
CENSORED_BELOW = 0.6
"""Below this level it only counts that the outcome lay there: no tier asks for such a level, and what the model
says of its middle must not bend the map where tiers stand."""
CENSORED_SHARE = 0.7
"""Of latency, whose margin lies in the draws, more than so many outcomes can lie below that level; then tiers ask
for lower ones, and the likelihood is censored where this share lies below."""
_TIES = (0.125, 0.375, 0.625, 0.875)
_CLIP = 2e-4
_MOST_LOG = 1.6


def fit_beta(
    low: FloatArray, high: FloatArray, effective: float, source: str, *, margin_within: bool = False
) -> CalibrationMap:
    """Beta map of ``fitted_beta``. No window: the identity."""
    if len(low) == 0 or effective <= 0:
        return CalibrationMap(source=source)
    return CalibrationMap.beta(*fitted_beta(low, high, effective, margin_within=margin_within), source)


def fitted_beta(
    low: FloatArray, high: FloatArray, effective: float, *, margin_within: bool = False
) -> tuple[float, float]:
    """a and b of the beta law that the levels of outcomes have, by penalised maximum likelihood.

    ``low`` and ``high``: share of the model's draws better than each outcome, and not worse; shape (n_windows,).
    The outcome's level is spread evenly between them. ``effective``: independent windows that these are worth;
    the likelihood counts for that many. ``margin_within``: a noise margin lies in the draws; see
    ``CENSORED_SHARE``.
    Source: Gneiting & Ranjan (2013), Electronic Journal of Statistics 7:1747, for beta-transformed forecasts;
    Diks, Panchenko & van Dijk (2011), Journal of Econometrics 163:215, for the censored likelihood; the penalty is
    a normal prior on log a and log b.
    """
    levels = np.concatenate([low + share * (high - low) for share in _TIES])
    levels = np.clip(levels, _CLIP, 1 - _CLIP)
    censored_below = CENSORED_BELOW
    if margin_within:
        censored_below = min(CENSORED_BELOW, float(np.quantile(levels, CENSORED_SHARE)))
    seen = levels[levels >= censored_below]
    above, below = len(seen) / len(levels), 1 - len(seen) / len(levels)
    sum_log = float(np.log(seen).sum()) / len(levels)
    sum_log_rest = float(np.log1p(-seen).sum()) / len(levels)

    def loss(logs: FloatArray) -> float:
        a, b = np.exp(logs)
        likelihood = (a - 1) * sum_log + (b - 1) * sum_log_rest - above * betaln(a, b)
        likelihood += below * np.log(max(float(betainc(a, b, censored_below)), 1e-300))
        return float(-effective * likelihood + PENALTY * (logs @ logs))

    bounds = [(-_MOST_LOG, _MOST_LOG)] * 2
    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=bounds)
    a, b = np.exp(found.x)
    return float(a), float(b)
