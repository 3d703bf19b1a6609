"""`lot user`."""

from mock_lot import MockLot


def test_users_are_listed_with_how_they_sign_in(lot, mock: MockLot):
    mock.users.append("grace")
    shown = lot("user", "list")
    assert shown.exit_code == 0, shown.output
    _, ada, grace = shown.stdout.splitlines()
    assert ("password" in ada, "ago" in ada) == (True, True)
    assert ("github" in grace, "signed in nowhere" in grace) == (True, True)
    assert [user["name"] for user in lot.json("user", "list", "--json")] == ["ada", "grace"]
    mock.users.clear()
    assert "lot sign-in-link" in lot("user", "list").stdout


def test_user_is_renamed(lot, mock: MockLot):
    assert lot("user", "rename", "ada", "lovelace").stdout == "ada is now lovelace\n"
    assert mock.users == ["lovelace"]
    assert lot.json("user", "rename", "lovelace", "ada", "--json") == {"name": "ada"}
    assert lot("user", "rename", "ada", "").exit_code == 2
    assert mock.users == ["ada"]


def test_user_is_removed_with_a_word_on_accounts_elsewhere(lot, mock: MockLot):
    mock.users += ["grace", "eve"]
    assert "`_ALLOW`" in " ".join(lot("user", "remove", "grace").stdout.split())
    assert lot.json("user", "remove", "eve", "--json") == {"removed": "eve"}
    assert mock.users == ["ada"]
    assert lot("user", "remove", "grace").exit_code == 1
