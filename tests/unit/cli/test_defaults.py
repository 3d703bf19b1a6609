"""`lot settings`: what new sessions and projects start from, shown, set and taken away by its name."""

import pytest
from mock_lot import MockLot


def test_they_are_shown_with_where_they_come_from(lot):
    lines = [" ".join(line.split()) for line in lot("settings").stdout.splitlines()]
    assert "model opus of anthropic set sonnet of anthropic" in lines
    assert "idle_countdown_s 300 the server's configuration 300" in lines
    assert lot.json("settings", "--json")["model"]["origin"] == "chosen"
    assert lot.json("--json", "settings")["size"]["value"] == "small"


def test_one_is_set_or_taken_away_and_the_others_stay(lot, mock: MockLot):
    assert "idle_countdown_s is 90.5 (set)" in lot("settings", "set", "idle_countdown_s", "90.5").stdout
    assert lot.json("settings", "set", "effort", "default", "--json")["effort"]["origin"] == "chosen"
    lot("settings", "set", "model", "rehearsal", "--provider", "rehearsal")
    assert "mode is plan (set), for what begins from now on" in lot("settings", "set", "mode", "plan").stdout
    assert "mode is full (the server's configuration)" in lot("settings", "unset", "mode").stdout
    assert mock.changes == [
        {"idle_countdown_s": 90.5},
        {"effort": "default"},
        {"model": "rehearsal", "provider": "rehearsal"},
        {"mode": "plan"},
        {"mode": None},
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["set", "colour", "red"],
        ["set", "mode"],
        ["set", "mode", "yolo"],
        ["set", "effort", "some"],
        ["set", "idle_countdown_s", "soon"],
        ["set", "size", "small", "--provider", "anthropic"],
        ["unset", "provider"],
    ],
)
def test_what_is_no_setting_is_a_usage_error_and_not_sent(lot, mock: MockLot, arguments: list[str]):
    assert lot("settings", *arguments).exit_code == 2
    assert mock.changes == []


def test_servers_refusal_is_shown_with_its_next_step(lot):
    refused = lot("settings", "set", "size", "nosuch")
    assert refused.exit_code == 1
    assert "there is no size 'nosuch'. Next step: choose one of huge" in refused.stderr


def test_new_sessions_and_projects_say_only_what_they_were_told(lot, mock: MockLot):
    lot("project", "create", "/somewhere/shop", "--no-wait", "--json")
    assert mock.created[0].size is None
    mock.add_project()
    lot("session", "new", "shop", "--no-wait", "--json")
    lot("session", "new", "shop", "--no-wait", "--json", "--mode", "full", "--effort", "default")
    assert [(new.model, new.effort, new.mode) for new in mock.started] == [
        (None, None, None),
        (None, "default", "full"),
    ]
