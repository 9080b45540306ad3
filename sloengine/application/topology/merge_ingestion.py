"""Merge one ingestion into the graph."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.domain.topology.ingestion import Ingestion


@dataclass(frozen=True, slots=True)
class MergeIngestion:
    """Run by the worker; safe to run twice."""

    async def __call__(self, ingestion_id: str) -> Ingestion:
        """The ingestion as it ended."""
        raise NotImplementedError
