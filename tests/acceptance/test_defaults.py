"""Defaults as a user of the API meets them: every real part at work, also after a restart of the server."""

import pytest
from acceptance_rig import lot_server

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(240)]

CHOICES = {"model": "rehearsal-small", "effort": "low", "mode": "ask", "size": "large", "idle_countdown_s": 30}


def test_what_is_chosen_counts_for_what_begins_afterwards_and_after_a_restart() -> None:
    with lot_server() as lot:
        project = lot.ready_project()["id"]
        before = lot.session(project)
        chosen = lot.http.patch("/api/settings", json=CHOICES).json()
        assert {name: chosen[name]["value"] for name in CHOICES} == CHOICES
        after = lot.session(project)
        shown = lot.show(after)
        assert (shown["model"], shown["effort"], shown["mode"]) == ("rehearsal-small", "low", "ask")
        # The countdown of the one that was there goes on: it is still on when that of the new one is over.
        assert lot.settled(after, "Paused")["reason"] == "quiet"
        assert (lot.show(before)["label"], lot.show(before)["model"]) == ("Idle", "rehearsal")

        assert lot.server.stop() == 0
        lot.server.start()
        assert lot.get("/settings") == chosen
        source = lot.get(f"/projects/{project}")["source"]
        assert lot.create_project(source, name="second")["size"] == "large"
