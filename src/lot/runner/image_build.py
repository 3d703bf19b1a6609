"""How an image is built: as a command in a sandbox of the default image, so that nothing of it runs on the host."""

import inspect
import shlex

from lot.runner import image_builder
from lot.runner.protocol import CommandOrder, ImageBuild

TIMEOUT_S = 3600.0
"""Of which installing buildah takes half a minute."""


def build_order(build: ImageBuild) -> CommandOrder:
    """Return the command that builds an image in a sandbox and leaves it there as the file `build.archive`."""
    words = ("sudo", "python3", "-I", "-c", inspect.getsource(image_builder), build.model_dump_json())
    return CommandOrder(name="image", command=shlex.join(words), timeout_s=TIMEOUT_S)
