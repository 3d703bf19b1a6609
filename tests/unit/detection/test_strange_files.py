"""A repository is a stranger's: whatever it holds, detection ends soon and says what it passed over."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lot.detection.detect import MAX_COMMAND, detect
from lot.detection.proposal import MAX_SENTENCE
from lot.detection.repository import MAX_TEXT, RepositoryFiles, worth_reading

NAMES = [
    *("package.json", "pnpm-workspace.yaml", "pyproject.toml", "requirements.txt", "Pipfile", "compose.yaml"),
    *(".devcontainer/devcontainer.json", "Procfile", "Gemfile", "go.mod", ".env.example", "README.md", "app/main.py"),
    *("server.js", "main.go", "app.rb", ".nvmrc", "yarn.lock", "vite.config.js", "prisma/schema.prisma"),
]


@pytest.mark.parametrize("name", ["package.json", "pyproject.toml", "compose.yaml", ".devcontainer.json"])
@pytest.mark.parametrize(
    "text", ["{", "[" * 5_000, "\0", "a: &a [*a, *a]\n b", "[[[a]\n", '{"a": 1e999999', "\ufeff\x01"]
)
def test_what_cannot_be_read_is_a_note(name: str, text: str) -> None:
    made = detect(RepositoryFiles.of({name: text}))
    assert any(name in note for note in made.notes)


@pytest.mark.parametrize("text", ["[]", "7", '"x"', "null", '{"scripts": 7, "workspaces": {"packages": 1}}'])
def test_what_is_of_another_shape_is_empty(text: str) -> None:
    assert detect(RepositoryFiles.of({"package.json": text})).dev_command is None


def test_what_is_too_large_is_a_note() -> None:
    text = json.dumps({"scripts": {"dev": "vite"}, "padding": "x" * MAX_TEXT})
    made = detect(RepositoryFiles.of({"package.json": text[:MAX_TEXT]}))
    assert "package.json is too large to be read as JSON, and was passed over." in made.notes


def test_a_file_that_was_not_read_counts_as_empty() -> None:
    made = detect(RepositoryFiles(frozenset({"package.json", "index.html"}), {}))
    assert made.dev_command == "python3 -m http.server 8000"


def test_a_command_without_end_is_left_out() -> None:
    made = detect(
        RepositoryFiles.of({".devcontainer.json": json.dumps({"postCreateCommand": "x" * MAX_COMMAND + "y"})})
    )
    assert made.setup_command is None
    assert any("left out" in note for note in made.notes)
    assert all(len(sentence) <= MAX_SENTENCE for sentence in (*made.notes, *made.reasons))


def test_halves_of_characters_do_not_get_out() -> None:
    made = detect(RepositoryFiles.of({".devcontainer.json": '{"postCreateCommand": "echo \\ud800 \\u0000"}'}))
    assert made.setup_command == "echo ? "
    assert made.model_dump_json()


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("package.json", "/*"),
        ("main.py", "def create_app(\n"),
        ("main.py", "\n"),
        ("main.py", "def a("),
        ("main.py", "app:a"),
        ("server.js", "process.env.PORT ||"),
        ("server.js", ".listen({ port"),
        ("vite.config.js", "server: {"),
        ("Gemfile", " "),
        ("README.md", "```\nmake " + "run " * 50),
        ("README.md", "make run"),
        (".env.example", "A=  "),
        ("compose.yaml", "${a-"),
        ("go.mod", "a.b"),
        ("requirements.txt", "[" * 50),
    ],
)
def test_texts_made_to_be_slow_are_not(name: str, piece: str) -> None:
    files = RepositoryFiles.of({name: (piece * (MAX_TEXT // len(piece)))[: MAX_TEXT - 1], "manifest": ""})
    began = time.process_time()
    detect(files)
    # In proportion to the length it takes a fraction; in proportion to its square, minutes.
    assert time.process_time() - began < 5.0


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["vite", "next dev", "*", "../.."]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "scripts",
                        "dev",
                        "start",
                        "dependencies",
                        "workspaces",
                        "packages",
                        "engines",
                        "node",
                        "main",
                        "name",
                    ),
                    *(
                        "services",
                        "image",
                        "build",
                        "environment",
                        "ports",
                        "forwardPorts",
                        "postCreateCommand",
                        "packageManager",
                    ),
                    *("project", "tool", "poetry", "dependency-groups"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
CONTENT = st.text(max_size=200) | JSON.map(json.dumps)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*NAMES, *(f"apps/web/{name}" for name in NAMES)]), CONTENT, max_size=6))
def test_no_content_makes_detection_fail(files: dict[str, str]) -> None:
    made = detect(RepositoryFiles.of(files))
    assert made.model_dump_json()
    assert all(note.strip() for note in made.notes)


def test_the_most_telling_files_are_read_first_and_no_more_than_allowed() -> None:
    paths = ["docs/x.md", "z/y/x.py", "main.py", "apps/web/package.json", "package.json", "node_modules/a/package.json"]
    assert worth_reading(paths) == ["package.json", "apps/web/package.json", "main.py", "z/y/x.py"]
    assert worth_reading(paths, limit=1) == ["package.json"]
