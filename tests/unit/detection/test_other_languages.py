"""Ruby, Go, static pages, and what is not understood."""

import pytest

from lot.detection.detect import detect
from lot.detection.proposal import SetupProposal
from lot.detection.repository import RepositoryFiles

RUBY = "build-essential{} libyaml-dev ruby-bundler ruby-full"


def proposal(files: dict[str, str]) -> SetupProposal:
    return detect(RepositoryFiles.of(files))


def test_rails_prepares_its_database_and_forgets_a_frozen_server() -> None:
    gems = "source 'https://rubygems.org'\nruby '3.2.1'\ngem 'rails', '~> 8'\ngem \"sqlite3\"\n"
    made = proposal({"Gemfile": gems, "Gemfile.lock": "", "package.json": '{"scripts": {"dev": "vite"}}'})
    assert made.setup_command is not None
    assert "build-essential libsqlite3-dev libyaml-dev ruby-bundler ruby-full" in made.setup_command
    assert made.setup_command.splitlines()[2:] == [
        "bundle config set --global path ~/.gems",
        "bundle install",
        "npm install",
        "bundle exec rails db:prepare",
    ]
    assert made.dev_command == ("rm -f tmp/pids/server.pid && bundle exec rails server --binding 0.0.0.0 --port 3000")
    assert (made.port, made.watched_files) == (3000, ("Gemfile.lock",))
    assert "Gemfile asks for Ruby 3.2.1; Debian brings 3.3." in made.notes


@pytest.mark.parametrize(
    ("files", "dev", "port"),
    [
        (
            {"app.rb": "require 'sinatra'\nset :port, 4001\n"},
            "bundle exec ruby app.rb -o 0.0.0.0 -p 4001",
            4001,
        ),
        ({"config.ru": "run Sinatra::Application"}, "bundle exec rackup --host 0.0.0.0 --port 9292", 9292),
    ],
)
def test_sinatra(files: dict[str, str], dev: str, port: int) -> None:
    made = proposal({"Gemfile": "gem 'sinatra'\ngem 'rackup'\n", **files})
    assert (made.dev_command, made.port) == (dev, port)


@pytest.mark.parametrize(
    ("files", "dev", "port"),
    [
        ({"main.go": 'package main\nfunc main() { http.ListenAndServe(":8081", nil) }'}, "go run .", 8081),
        (
            {
                "cmd/tool/main.go": "package main\n",
                "cmd/server/main.go": 'package main\nr := gin.Default()\nport := os.Getenv("PORT")\nr.Run(":" + port)',
            },
            "PORT=8080 go run ./cmd/server",
            8080,
        ),
        (
            {
                "cmd/x/main.go": "package main\n",
                "internal/web.go": 'package web\nhttp.Server{Addr: ":9000"}.ListenAndServe()',
            },
            "go run ./cmd/x",
            9000,
        ),
        ({"lib.go": "package lib\n"}, None, None),
    ],
)
def test_go(files: dict[str, str], dev: str | None, port: int | None) -> None:
    made = proposal({"go.mod": "module example.org/x\n\ngo 1.25\n", **files})
    assert made.setup_command is not None
    assert made.setup_command.splitlines()[2:] == ["go mod download", "go build ./..."]
    assert "ca-certificates golang-go" in made.setup_command
    assert (made.dev_command, made.port) == (dev, port)
    assert any("asks for Go 1.25" in note for note in made.notes)


def test_a_page_in_a_folder_is_served_from_there() -> None:
    made = proposal({"README.md": "", "public/index.html": ""})
    assert (made.dev_command, made.setup_command) == ("python3 -m http.server 8000 --directory public", None)


def test_a_language_that_is_not_known_is_named_with_the_command_of_the_readme() -> None:
    made = proposal({"Cargo.toml": "", "CLAUDE.md": "# X\n```sh\nls\n$ cargo run --bin server\n```\n"})
    assert (made.setup_command, made.dev_command, made.port) == (None, None, None)
    assert "CLAUDE.md names the command 'cargo run --bin server'." in made.notes
    assert any(note.startswith("Cargo.toml is there") for note in made.notes)


def test_an_empty_repository_proposes_nothing_and_says_so() -> None:
    made = proposal({})
    assert made == SetupProposal(notes=("The repository has no files, so nothing could be told.",))


def test_a_repository_of_texts_proposes_nothing_and_says_so() -> None:
    made = proposal({"README.md": "# A story\n"})
    assert made == SetupProposal(notes=("Nothing was found that starts a dev server.",))
