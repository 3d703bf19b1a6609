"""`lot account`, and what a pull request's host tells."""

from pathlib import Path

from mock_lot import MockLot

from lot.api.schemas.projects import CheckBody, ReviewCommentBody

TOKEN = "ghp_of-this-test"


def test_token_comes_from_a_file_or_standard_input_and_is_not_printed(lot, mock: MockLot, tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    result = lot("account", "connect", "github", "--token-file", str(file), "--name", "work")
    assert result.exit_code == 0, result.output
    assert "lot account repositories work" in result.stdout
    assert "Ada <ada@host>" in result.stdout
    again = lot("account", "connect", "github", input=f"{TOKEN}\n")
    assert again.exit_code == 0, again.output
    assert [body["token"] for body in mock.connected] == [TOKEN, TOKEN]
    assert TOKEN not in result.output + again.output


def test_app_is_connected_by_its_key_file(lot, mock: MockLot, tmp_path: Path):
    file = tmp_path / "key.pem"
    file.write_text("a key")
    app = ("--app-id", "7", "--installation-id", "70", "--key-file", str(file))
    connected = lot.json("account", "connect", "github", *app, "--url", "https://git.example", "--json")
    assert connected["url"] == "https://git.example"
    [body] = mock.connected
    assert (body["app_id"], body["installation_id"], body["private_key"]) == (7, 70, "a key")
    assert "token" not in body


def test_installations_of_an_app_are_listed(lot, mock: MockLot, tmp_path: Path):
    file = tmp_path / "key.pem"
    file.write_text("a key")
    asked = ("account", "installations", "github", "--app-id", "7", "--key-file", str(file))
    shown = lot(*asked)
    assert shown.exit_code == 0, shown.output
    assert [line.split() for line in shown.stdout.splitlines()[1:3]] == [
        ["70", "ada", "chosen", "ones"],
        ["71", "ada", "all", "suspended"],
    ]
    assert "--app-id 7 --installation-id N" in " ".join(shown.stdout.split())
    assert [each["id"] for each in lot.json(*asked, "--json")] == [70, 71]
    mock.installations = 0
    assert "install it at the host" in lot(*asked).stdout


def test_no_token_is_wrong_usage(lot, mock: MockLot, tmp_path: Path):
    result = lot("account", "connect", "github", input="\n")
    assert result.exit_code == 2
    assert "--token-file" in result.stderr
    assert lot("account", "connect", "github", "--token-file", str(tmp_path / "none")).exit_code == 2
    assert mock.connected == []


def test_list_repositories_and_remove(lot, mock: MockLot):
    assert "lot account connect github" in lot("account", "list").stdout
    lot("account", "connect", "github", input=TOKEN)
    assert "ada" in lot("account", "list").stdout
    assert lot.json("account", "list", "--json")[0]["login"] == "ada"
    assert "lot project create --account ada" in lot("account", "repositories", "ada").stdout
    assert lot.json("account", "repositories", "ada", "--json")[0]["full_name"] == "ada/app"
    assert lot.json("account", "remove", "ada", "--json") == {"removed": "ada"}
    assert mock.accounts == {}


def test_project_of_an_account_keeps_owner_and_name(lot, mock: MockLot, tmp_path: Path, monkeypatch):
    (tmp_path / "ada" / "app").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert lot.json("project", "create", "--account", "ada", "ada/app", "--json")["source"] == "ada/app"


def test_pull_request_is_shown_with_what_its_host_tells(lot, mock: MockLot):
    mock.add_project()
    mock.add_session()
    lot("session", "pr", "last")
    shown = lot("pr", "show", "shop", "1")
    assert shown.exit_code == 0, shown.output
    assert "hecks" not in shown.stdout
    assert "Its review comments cannot be read: the host does not answer" in shown.stdout
    mock.checks = [CheckBody(name="tests", status="completed", conclusion="failure", url="https://host/1")]
    mock.comments = [ReviewCommentBody(author="grace", path="a.txt", line=3, body="Why?\x1b[2J", url="https://host/2")]
    shown = lot("pr", "show", "shop", "1")
    assert "failure  tests  https://host/1" in shown.stdout
    assert "grace at a.txt:3" in shown.stdout
    assert "\x1b[2J" not in shown.stdout
    told = lot.json("pr", "show", "shop", "1", "--json")
    assert (told["number"], told["checks"][0]["name"], told["comments"][0]["line"]) == (1, "tests", 3)
