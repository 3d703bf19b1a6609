"""`lot sign-in-link`, and what `lot up` says of the first user."""

from mock_lot import MockLot

from lot.cli.up import _say_how_to_sign_in
from lot.client.client import LotClient

LINK = "http://lot.test/sign-in?link=s3cret"


def test_link_is_printed_whole_with_whom_it_lets_in(lot, mock: MockLot):
    result = lot("sign-in-link")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["Signs ada in, once, until 2026-01-02 03:04 UTC:", LINK]
    assert lot("sign-in-link", "--user", "grace").stdout.startswith("Signs grace in")
    assert lot("sign-in-link", "--new").stdout.startswith("Makes a new user")
    assert lot.json("sign-in-link", "--json")["url"] == LINK
    assert [(link.user, link.is_new) for link in mock.links[:3]] == [(None, False), ("grace", False), (None, True)]


def test_server_without_users_says_how_the_first_one_signs_in(client: LotClient, mock: MockLot, capsys):
    _say_how_to_sign_in(client)
    assert capsys.readouterr().out == ""
    mock.users.clear()
    _say_how_to_sign_in(client)
    assert LINK in capsys.readouterr().out.splitlines()
