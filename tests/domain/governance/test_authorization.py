from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import Forbidden
from sloengine.domain.governance.authorization import may_decide_on, require_admin, require_decider, require_editor
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.topology.service import Service

teams = st.sampled_from(["web", "payments", "data"])
actors = st.builds(Actor, st.just("user:x"), st.sampled_from(Role), st.frozensets(teams))


@given(actor=actors, team=st.none() | teams)
def test_admins_may_all_owners_their_own_viewers_nothing(actor: Actor, team: str | None):
    expected = {
        Role.SRE_ADMIN: True,
        Role.SERVICE_OWNER: team is not None and team in actor.teams,
        Role.VIEWER: False,
    }[actor.role]

    assert may_decide_on(actor, team) is expected


@given(actor=actors, owners=st.lists(st.none() | teams, min_size=1, max_size=4))
def test_one_service_of_others_among_several_is_enough_to_refuse(actor: Actor, owners: list[str | None]):
    services = [Service(f"s{i}", team=team) for i, team in enumerate(owners)]
    allowed = all(may_decide_on(actor, team) for team in owners)

    if allowed:
        require_decider(actor, services)
    else:
        with pytest.raises(Forbidden) as caught:
            require_decider(actor, services, path=("input", "serviceId"))
        assert caught.value.path == ("input", "serviceId")


def test_viewers_edit_nothing_and_only_admins_do_what_concerns_all():
    viewer, owner, admin = (Actor("u", role) for role in (Role.VIEWER, Role.SERVICE_OWNER, Role.SRE_ADMIN))

    require_editor(owner, "register services")
    require_admin(admin, "ingest")
    with pytest.raises(Forbidden):
        require_editor(viewer, "register services")
    for actor in (viewer, owner):
        with pytest.raises(Forbidden):
            require_admin(actor, "ingest")
