"""What users may write as a project's image."""

import pytest

from lot.core.errors import ImageUnfitError, InvalidInputError
from lot.core.image_source import FetchedImage, ImageKind, inside_repository, read_image_source


@pytest.mark.parametrize(
    ("text", "kind", "reference"),
    [
        ("oci:/srv/layout", ImageKind.OCI, "/srv/layout"),
        ("oci:/srv/layout:v1.2", ImageKind.OCI, "/srv/layout:v1.2"),
        ("oci-archive:/srv/image.tar", ImageKind.OCI_ARCHIVE, "/srv/image.tar"),
        ("docker-archive:/srv/image.tar", ImageKind.DOCKER_ARCHIVE, "/srv/image.tar"),
        ("docker://registry.test:5000/team/app:1", ImageKind.REGISTRY, "registry.test:5000/team/app:1"),
        (f"docker://python@sha256:{'0' * 64}", ImageKind.REGISTRY, f"python@sha256:{'0' * 64}"),
        ("dockerfile:deploy/../Dockerfile.dev", ImageKind.DOCKERFILE, "Dockerfile.dev"),
        ("devcontainer", ImageKind.DEVCONTAINER, ""),
    ],
)
def test_each_form_is_read_and_written_as_it_was(text: str, kind: ImageKind, reference: str) -> None:
    source = read_image_source(text)
    assert (source.kind, source.reference) == (kind, reference)
    assert read_image_source(str(source)) == source


def test_dockerfile_without_a_path_is_that_of_the_root() -> None:
    assert read_image_source("dockerfile").reference == "Dockerfile"


@pytest.mark.parametrize(
    "text",
    [
        "ubuntu:24.04",
        "oci:relative/path",
        "oci:/a:b:c",
        "oci-archive:/a:b",
        "docker://",
        "docker://--option",
        "docker://a b",
        "docker:///etc/passwd",
        "docker://oci:/etc",
        "dockerfile:../outside",
        "dockerfile:/etc/passwd",
        "devcontainer:x",
        "oci:/a\n/b",
        "dir:/etc",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"image|registry|repository"):
        read_image_source(text)


def test_root_of_the_repository_is_the_empty_path() -> None:
    assert inside_repository(".devcontainer/..") == ""


def test_image_that_lacks_something_is_refused_with_what_to_add() -> None:
    image = FetchedImage(image_id="x", system="Ubuntu 24.04", missing=("git", "python3"))
    with pytest.raises(ImageUnfitError, match="apt-get install -y git python3"):
        image.require_complete()
