"""Labels and properties of the entities that are read and written one at a time.

Constraints and indexes live in ``cypher/migrations``; the tests hold ``unique_index`` here to them. Everything in
bulk, every walk and every sum is a named query instead.
"""

from __future__ import annotations

from neomodel import (
    ArrayProperty,
    AsyncStructuredNode,
    DateTimeNeo4jFormatProperty,
    FloatProperty,
    IntegerProperty,
    StringProperty,
)


class IngestionNode(AsyncStructuredNode):
    """``document`` holds the domain's ``Ingestion``; the other properties repeat what is searched for."""

    __label__ = "Ingestion"

    ingestion_id = StringProperty(unique_index=True, required=True)
    source = StringProperty(required=True)
    status = StringProperty(required=True)
    progress = FloatProperty()
    graph_version = IntegerProperty()
    submitted_at = DateTimeNeo4jFormatProperty()
    submitted_by = StringProperty()
    progressed_at = DateTimeNeo4jFormatProperty()
    finished_at = DateTimeNeo4jFormatProperty()
    document = StringProperty(required=True)


class PriorNode(AsyncStructuredNode):
    """What was learnt from all services, per SLI type, as a JSON document."""

    __label__ = "Prior"

    sli_type = StringProperty(unique_index=True, required=True)
    learnt_at = DateTimeNeo4jFormatProperty(required=True)
    document = StringProperty(required=True)


class CalibrationNode(AsyncStructuredNode):
    """Finished windows and the map they taught, as a JSON document. ``sli_type``: AVAILABILITY, or of which
    percentile of latency (LATENCY_P95, LATENCY_P99); LATENCY is of an engine that had one map for both."""

    __label__ = "Calibration"

    sli_type = StringProperty(unique_index=True, required=True)
    computed_at = DateTimeNeo4jFormatProperty(required=True)
    document = StringProperty(required=True)


class NameRulesNode(AsyncStructuredNode):
    """How sources' names become service ids, all rules as one JSON document."""

    __label__ = "NameRules"

    name = StringProperty(unique_index=True, required=True)
    document = StringProperty(required=True)


class DiscoveryRunNode(AsyncStructuredNode):
    """The newest reading of one source, as a JSON document."""

    __label__ = "DiscoveryRun"

    source = StringProperty(unique_index=True, required=True)
    started_at = DateTimeNeo4jFormatProperty(required=True)
    document = StringProperty(required=True)


class AggregationStateNode(AsyncStructuredNode):
    """How far the hourly aggregation has come.

    JSON objects by service: ``refused`` reasons, ``throttled`` shares of scheduling periods,
    ``traced_p99`` pairs of seconds.
    """

    __label__ = "AggregationState"

    name = StringProperty(unique_index=True, required=True)
    aggregated_to = DateTimeNeo4jFormatProperty()
    pulled_at = DateTimeNeo4jFormatProperty()
    last_error = StringProperty()
    refused = StringProperty()
    throttled = StringProperty()
    traced_p99 = StringProperty()


class RecommendationJobNode(AsyncStructuredNode):
    """A bulk recommendation; ``pending`` shrinks as services are done."""

    __label__ = "RecommendationJob"

    job_id = StringProperty(unique_index=True, required=True)
    status = StringProperty(required=True)
    total = IntegerProperty(required=True)
    failed = IntegerProperty(default=0)
    pending = ArrayProperty(StringProperty())
    options = StringProperty(required=True)
    error = StringProperty()
