"""Enumerations of SLOs and their audit trail as GraphQL enums."""

from __future__ import annotations

from sloengine.api.enums import describe
from sloengine.domain.governance.model import AuditAction, SloSource

describe(
    SloSource,
    "SloSource",
    "How an SLO came to be.",
    {
        "ACCEPTED": "A recommended tier was accepted.",
        "MODIFIED": "A recommended tier was changed, then accepted.",
        "MANUAL": "Set by hand.",
        "AUTO_APPROVED": "Accepted by a rule.",
    },
)
describe(
    AuditAction,
    "AuditAction",
    "What an entry of the audit trail records.",
    {
        "ACCEPT": "A recommended tier became the active SLO.",
        "MODIFY": "Other numbers than the recommended ones became the active SLO.",
        "REJECT": "A recommendation was turned down.",
        "SET": "An SLO was set by hand.",
        "AUTO_APPROVE": "A rule accepted a recommendation.",
        "EXPIRE": "A recommendation expired undecided.",
        "DRIFT_TRIGGERED": "Confirmed drift had a recommendation computed anew.",
        "NAME_DECIDED": "Somebody decided which service id a name of a source gets; `rationale` says which.",
    },
)

__all__ = [
    "AuditAction",
    "SloSource",
]
