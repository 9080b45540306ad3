"""What can keep an embedded server from running, each with what to do about it."""

from __future__ import annotations

from sloengine.domain.errors import Unavailable


class EmbeddedServerFailed(Unavailable):
    """A server did not start, or stopped by itself."""


class DownloadCutOff(Unavailable):
    """A download did not finish; what arrived whole is kept, nothing half-made is used."""


class StateInUse(Unavailable):
    """Another process works on the same state directory."""


class StateNotWritable(Unavailable):
    """The state or cache directory cannot be written."""
