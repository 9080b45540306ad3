"""The prior an organisation starts with, before its own services have taught the engine anything.

Recipe. Rate of incident episodes: lognormal, one in 35 days in the middle, sd 1.2 in the logarithm, so that nine
of ten services lie between one in five days and one in eight months. Size of an episode: lognormal, 0.012 of a
day's traffic in the middle (17 minutes of full outage), sd 1.6, so that nine of ten lie between one minute and
four hours. Failures outside incidents: gamma with mean 8e-5 of valid events and shape 0.5. A fifth of the
variance of sizes lies between services, so that four own incidents are believed as much as all others'. An outage
that many services share, of a kind that the organisation has not had yet, reaches a service once in a year
(gamma law that counts as 21 days of observation), with the shipped law of sizes; a slow spell of that sort comes
once in eight months.

Source. The engine's own choice, made before looking at any organisation but for outages not had yet (simulated
ones): wide on purpose, because a prior that is wrong costs more than one that is vague. It counts as five
services' worth of evidence and gives way to the organisation's own.
"""

from __future__ import annotations

NAME = "shipped default prior (one incident in 35 days, 17 min of full outage in the middle)"

RATE_MEDIAN_PER_DAY = 1.0 / 35.0
RATE_LOG_SD = 1.2
PSEUDO_SERVICES = 5.0
SEVERITY_MEDIAN_DAYS = 0.012
SEVERITY_LOG_SD = 1.6
PSEUDO_EPISODES = 5.0
BASE_MEAN_RATIO = 8e-5
BASE_SHAPE = 0.5
DISPERSION = 2.0
PSEUDO_WEEKS = 4.0
EPISODE_DAYS = 1.3
OWN_SIZE_WEIGHT = 4.0
UNSEEN_EVERY_DAYS = 365.0
UNSEEN_COUNTS_AS_DAYS = 21.0
UNSEEN_SPELL_DAYS = 240.0
