"""Dramatiq's door: installs the broker and declares every actor.

``dramatiq workers`` runs the actors, ``periodiq workers`` enqueues the periodic ones.
"""

from __future__ import annotations

import dramatiq

from sloengine.bootstrap.logging import configure_logging
from sloengine.bootstrap.settings import Settings
from sloengine.infrastructure.queue.broker import redis_broker
from workers.middleware import middleware

settings = Settings()
configure_logging(settings)
broker = redis_broker(settings.required_redis_url(), middleware())
dramatiq.set_broker(broker)

from workers import drift, forecast, governance, recommendation, telemetry, topology  # noqa: E402  - actors need the broker

__all__ = ["broker", "drift", "forecast", "governance", "recommendation", "settings", "telemetry", "topology"]
