"""`lot usage`: days on which something was used, and the sums."""

from mock_lot import MockLot


def test_days_and_sums_are_shown_by_project_and_by_session(lot, mock: MockLot):
    shown = lot("usage").stdout
    assert "2026-01-02" in shown
    assert "2026-01-01" not in shown, "nothing was used on that day"
    assert "1,200" in shown
    assert "4,000" in shown
    assert "shop" in shown
    assert "p0 (deleted)" in shown
    assert "A title" in lot("usage", "--project", "shop").stdout
    assert lot.json("usage", "--days", "2", "--json")["total"]["days"][1]["compute_units"] == 1200.0


def test_nothing_used_is_said(lot, mock: MockLot):
    mock.has_usage = False
    assert "Nothing was used" in lot("usage").stdout
    assert lot("usage", "--days", "0").exit_code == 2
