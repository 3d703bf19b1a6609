"""Models, modes, budgets, usage and attachments by command."""

import base64
from pathlib import Path

import pytest
from mock_lot import MockLot

from lot.client.attachments import MAX_FILE_BYTES, MAX_IMAGE_BYTES, media_type, read_attachment, read_attachments
from lot.client.client import LotClient
from lot.core.errors import InvalidInputError

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


def test_only_what_is_named_is_changed(lot, mock: MockLot):
    mock.add_project()
    mock.add_session()
    commands: list[list[str]] = [
        ["session", "model", "last", "opus"],
        ["session", "model", "last", "opus", "--effort", "high"],
        ["session", "model", "last", "opus", "--effort", "default"],
        ["session", "mode", "last", "plan"],
        ["session", "budget", "last", "--usd", "2.5"],
        ["session", "budget", "last", "--none"],
        ["project", "budget", "shop", "--tokens", "1000"],
        ["project", "budget", "shop", "--none"],
        ["project", "browser", "shop", "on"],
    ]
    for command in commands:
        result = lot(*command)
        assert result.exit_code == 0, result.output
    no_budget = {"budget_tokens": None, "budget_usd": None}
    assert mock.changes == [
        {"model": "opus"},
        {"model": "opus", "effort": "high"},
        {"model": "opus", "effort": None},
        {"mode": "plan"},
        {"budget_usd": 2.5},
        no_budget,
        {"budget_tokens": 1000},
        no_budget,
        {"has_browser": True},
    ]


def test_changes_are_told(lot, mock: MockLot):
    mock.add_session(spent_tokens=1, spent_usd=0.0123)
    assert "uses opus, effort high" in lot("session", "model", "last", "opus", "--effort", "high").stdout
    assert "1 token of 5,000, $0.0123" in lot("session", "budget", "last", "--tokens", "5000").stdout
    assert "in mode ask" in lot("session", "mode", "last", "ask").stdout
    assert lot.json("session", "mode", "last", "edits", "--json")["mode"] == "edits"


@pytest.mark.parametrize(
    "arguments",
    [
        ["session", "budget", "last"],
        ["session", "budget", "last", "--none", "--tokens", "1"],
        ["session", "budget", "last", "--usd", "-1"],
        ["session", "mode", "last", "yolo"],
        ["session", "new", "shop", "--attach", "x"],
        ["session", "new", "shop", "--program", "vim"],
    ],
)
def test_wrong_settings_are_a_usage_error(lot, mock: MockLot, arguments: list[str]):
    mock.add_project()
    mock.add_session()
    assert lot(*arguments).exit_code == 2
    assert (mock.changes, mock.messages) == ([], [])


def test_new_session_takes_settings_and_files(lot, mock: MockLot, tmp_path: Path):
    mock.add_project()
    (tmp_path / "shot.png").write_bytes(PNG)
    settings = ["--effort", "low", "--mode", "ask", "--program", "acp:opencode acp", "--budget-tokens", "9"]
    files = ["--budget-usd", "0.5", "--attach", str(tmp_path / "shot.png")]
    made = lot.json("session", "new", "shop", "-m", "look", *settings, *files, "--json")
    assert (made["effort"], made["mode"], made["program"]) == ("low", "ask", "acp:opencode acp")
    assert (made["budget_tokens"], made["budget_usd"]) == (9, 0.5)
    (file,) = mock.messages[0].attachments
    assert (file.name, file.media_type, base64.b64decode(file.data)) == ("shot.png", "image/png", PNG)


def test_project_is_created_with_budget_and_browser(lot, mock: MockLot, tmp_path: Path):
    made = lot.json("project", "create", str(tmp_path), "--browser", "--budget-usd", "10", "--json")
    assert (made["has_browser"], made["budget_usd"], made["budget_tokens"]) == (True, 10, None)
    assert "$0.00 of $10.00" in lot("project", "show", "shop").stdout


def test_show_says_what_is_special_and_leaves_the_sign_in_link_whole(lot, mock: MockLot, monkeypatch):
    mock.add_session(kept_messages=1, open_asks=1, effort="max", mode="ask", spent_tokens=1_500)
    shown = lot("session", "show", "last").stdout
    for words in ("1 message not yet taken", "1 thing to answer", "effort max", "ask", "1,500 tokens"):
        assert words in shown
    link = "http://5173--x.test/.lot?t=" + "1" * 300
    preview = mock.sessions["abcdefghij"].preview
    assert preview is not None
    update = {"preview": preview.model_copy(update={"sign_in_url": link})}
    mock.sessions["abcdefghij"] = mock.sessions["abcdefghij"].model_copy(update=update)
    assert link in lot("session", "show", "last").stdout


def test_models_say_who_is_ready_and_who_is_scripted(lot, mock: MockLot):
    text = lot("models").stdout
    assert "anthropic  not ready: No key is set" in text
    assert "rehearsal (scripted rehearsal, no model)  ready" in text
    assert "rehearsal-small" in text
    assert [each["name"] for each in lot.json("models", "--json")] == ["anthropic", "rehearsal"]


def test_usage_is_shown(lot, mock: MockLot):
    mock.add_session(budget_usd=2.0)
    text = lot("session", "usage", "last").stdout
    for words in (
        "200.0 MiB",
        "12,000 in, 300 out",
        "$0.0123",
        "$2.00",
        "rehearsal: 12,300 tokens",
        "with others 300.0 MiB",
    ):
        assert words in text


def test_raw_lines_of_all_runs_or_of_one(lot, mock: MockLot):
    mock.add_session()
    mock.agent_lines = {1: ['{"a": 1}', '{"b": "x\u2028y"}', '{"c": 3}'], 3: ['{"d": 4}']}
    whole = '{"a": 1}\n{"b": "x\u2028y"}\n{"c": 3}\n{"d": 4}\n'
    assert lot("session", "raw", "last").stdout == whole
    assert lot("session", "raw", "last", "--run", "1", "--after", "1").stdout == '{"b": "x\u2028y"}\n{"c": 3}\n'
    assert lot("session", "raw", "last", "--run", "2").stdout == ""


def test_files_go_with_a_message_and_come_back(lot, mock: MockLot, client: LotClient, tmp_path: Path):
    mock.add_session()
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7")
    result = lot("session", "send", "last", "look", "-a", str(tmp_path / "a.txt"), "-a", str(tmp_path / "b.pdf"))
    assert result.exit_code == 0
    assert [file.media_type for file in mock.messages[0].attachments] == ["text/plain", "application/pdf"]
    assert client.get_attachment("abcdefghij", mock.messages[0].id, 1) == b"%PDF-1.7"


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", PNG, "image/png"),
        ("x", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("x", b"GIF89a..", "image/gif"),
        ("x", b"RIFF1234WEBPVP8", "image/webp"),
        ("a.png", b"no picture", "application/octet-stream"),
        ("a.pdf", b"no document", "application/octet-stream"),
        ("a.csv", b"1,2", "text/csv"),
        ("nameless", b"", "application/octet-stream"),
    ],
)
def test_images_and_documents_are_told_by_their_content(name: str, data: bytes, expected: str):
    assert media_type(name, data) == expected


def test_files_that_cannot_be_attached_are_refused_with_the_limit(tmp_path: Path):
    (tmp_path / "big.png").write_bytes(PNG + bytes(MAX_IMAGE_BYTES))
    with pytest.raises(InvalidInputError, match="5 MiB"):
        read_attachment(tmp_path / "big.png")
    (tmp_path / "big").write_bytes(bytes(MAX_FILE_BYTES + 1))
    with pytest.raises(InvalidInputError, match="10 MiB"):
        read_attachment(tmp_path / "big")
    with pytest.raises(InvalidInputError, match="cannot be attached: No such file"):
        read_attachment(tmp_path / "none")
    with pytest.raises(InvalidInputError, match="cannot be attached: Is a directory"):
        read_attachment(tmp_path)
    with pytest.raises(InvalidInputError, match="more than 10"):
        read_attachments([tmp_path / "big"] * 11)
