"""`lot provider`: keys go in, and never come out."""

from pathlib import Path

from mock_lot import MockLot

KEY = "sk-of-this-test"


def test_key_comes_from_a_file_or_standard_input_and_is_not_printed(lot, mock: MockLot, tmp_path: Path):
    assert "none" in lot("provider", "list").stdout
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    stored = lot("provider", "connect", "anthropic", "--key-file", str(file))
    assert stored.exit_code == 0, stored.output
    assert mock.key == {"kind": "api_key", "value": KEY}
    again = lot(
        "provider", "connect", "anthropic", "--subscription", "--base-url", "https://gateway.example/x", input=KEY
    )
    assert again.exit_code == 0, again.output
    assert mock.key == {"kind": "auth_token", "value": KEY, "base_url": "https://gateway.example/x"}
    listed = lot("provider", "list").stdout
    assert "subscription token" in listed
    assert KEY not in stored.output + again.output + listed
    assert lot.json("provider", "remove", "anthropic", "--json") == {"removed": "anthropic"}
    assert mock.key is None


def test_key_that_is_none_is_wrong_usage_and_not_repeated(lot, mock: MockLot):
    assert lot("provider", "connect", "anthropic", input="\n").exit_code == 2
    wrong = lot("provider", "connect", "anthropic", input="two words")
    assert wrong.exit_code == 2
    assert "two words" not in wrong.output
    assert lot("provider", "connect", "anthropic", "--base-url", "ftp://x", input=KEY).exit_code == 2
    assert mock.key is None
