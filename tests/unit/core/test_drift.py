"""Which changed files make a snapshot out of date."""

import pytest

from lot.core.drift import dependency_files, setup_files

DEPENDENCIES = ["apps/web/package-lock.json", "uv.lock", "requirements.txt", "requirements-dev.txt", "go.sum"]
RECIPES = ["Dockerfile", "docker/Dockerfile.dev", "web.Dockerfile", ".devcontainer/devcontainer.json", "Procfile.dev"]
CODE = ["src/app.py", "README.md", "package.json", "docs/Dockerfile.md/x", "notes.txt", "src/uv.lock.py", ""]


@pytest.mark.parametrize("path", DEPENDENCIES)
def test_lock_files_are_dependencies_and_part_of_the_setup(path: str) -> None:
    assert dependency_files([*CODE, path]) == (path,)
    assert setup_files([*CODE, path]) == (path,)


@pytest.mark.parametrize("path", RECIPES)
def test_recipes_are_part_of_the_setup_alone(path: str) -> None:
    assert dependency_files([*CODE, path]) == ()
    assert setup_files([*CODE, path]) == (path,)
