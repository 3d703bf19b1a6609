"""devcontainer.json as repositories have it."""

import pytest

from lot.core.errors import InvalidInputError
from lot.engine.devcontainer import PLACES, DevcontainerBuild, read_devcontainer

INNER, OUTER = PLACES


def test_image_is_read_from_a_file_with_comments_and_trailing_commas() -> None:
    text = """\ufeff// Ours
    {
        /* see "docs", */
        "name": "a // b, }", // not a comment, and no comma
        "image": "mcr.test/devcontainers/base:bookworm",
        "forwardPorts": [3000, /* the app */],
    }
    """
    assert read_devcontainer(text, INNER) == DevcontainerBuild(image="mcr.test/devcontainers/base:bookworm")


def test_build_is_relative_to_its_file() -> None:
    text = '{"build": {"dockerfile": "Dockerfile", "context": "..", "args": {"A": "1"}, "target": "dev"}}'
    expected = DevcontainerBuild(dockerfile=".devcontainer/Dockerfile", context="", target="dev", args={"A": "1"})
    assert read_devcontainer(text, INNER) == expected


def test_older_names_beside_build_are_read_too() -> None:
    assert read_devcontainer('{"dockerFile": "D", "context": "app"}', OUTER) == DevcontainerBuild(
        dockerfile="D", context="app"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "no object"),
        ("{}", "neither an image nor a build"),
        ('{"dockerComposeFile": "c.yml"}', "Docker Compose"),
        ('{"image": "oci:/etc"}', "no image of a registry"),
        ('{"image": "/etc/passwd"}', "no image of a registry"),
        ('{"image": "a\\nRUN b"}', "no image of a registry"),
        ('{"image": 3}', "no text"),
        ('{"build": {"dockerfile": "../../x"}}', "not in the repository"),
        ('{"build": {"dockerfile": "D", "args": {"A": "${localEnv:TOKEN}"}}}', "variable"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_cannot_be_made_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_devcontainer(text, INNER)
