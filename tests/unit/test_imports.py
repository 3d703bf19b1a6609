"""Imports point inwards: every import of the package is parsed, and an arrow that points out fails."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lot

ROOT = Path(lot.__file__).parent

# What each part may import; itself and `core` go without saying. A longer name narrows it to one module: a protocol
# with its values, or the words that two programs share.
ALLOWED = {
    "cli": {
        "api",
        "bench",
        "client",
        "compose",
        "config",
        "demo",
        "detection",
        "doctor",
        "engine",
        "examples",
        "rehearsal",
        "runner",
    },
    "bench": {"api.schemas", "client", "config", "examples", "harness", "sandbox"},
    "demo": {"api.schemas", "client", "config", "examples"},
    "client": {"api.schemas", "config"},
    "api": {"config", "engine", "guest.wire", "push", "runner.client", "runner.protocol", "sign_in", "store"},
    # It watches what the engine says has changed, and asks nothing of it.
    "push": {"config", "engine.overview", "sign_in.principal", "store"},
    "sign_in": {"config", "store"},
    "engine": {
        "broker",
        "config",
        "detection",
        "fleet",
        "forge",
        "harness.harness",
        "runner.client",
        "runner.protocol",
        "sandbox.driver",
        "store",
    },
    "store": {"config"},
    "fleet": {"config", "runner.client", "runner.protocol"},
    # Locally a fleet is child processes, forked from one that has the runner's program in memory already.
    "fleet.local": {"runner", "sandbox.driver"},
    "fleet.zygote": {"runner"},
    "forge": set(),
    "detection": set(),
    "broker": {"config", "runner.protocol", "runner.wire_errors"},
    "runner": {"guest.wire", "harness", "log", "sandbox"},
    "harness": {"sandbox.driver", "sandbox.link"},
    "sandbox": {"config", "guest.build", "guest.wire"},
    "doctor": {"config", "sandbox"},
    "rehearsal": set(),
    "examples": set(),
    "config": set(),
    "log": set(),
}
KNOWN_GAPS: dict[tuple[str, str], str] = {}
"""Arrows that point out and wait to be turned."""
ALONE = {"core", "guest"}
"""`core` is the middle; the guest runs in a sandbox, where there is nothing but the standard library."""
COMPOSERS = {"compose", "runner.__main__", "runner.compose", "cli.setup"}
"""They build the parts, so they know them all."""


def module_of(file: Path) -> str:
    """Return a file's module name below `lot`."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and module, below `lot`, of each import from the package."""
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import hides where its arrow points"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("lot."):
                yield node.lineno, name.removeprefix("lot.")


def is_within(module: str, part: str) -> bool:
    """Tell whether a module is a part or lies in it."""
    return module == part or module.startswith(f"{part}.")


def may_import(module: str, target: str) -> bool:
    """Tell whether an arrow points inwards."""
    part = module.split(".")[0]
    if is_within(target, part) or any(is_within(module, composer) for composer in COMPOSERS):
        return True
    if part in ALONE:
        return False
    allowed = {"core"}.union(*(parts for name, parts in ALLOWED.items() if is_within(module, name)))
    return any(is_within(target, inner) for inner in allowed)


FILES = [file for file in sorted(ROOT.rglob("*.py")) if "examples" not in file.relative_to(ROOT).parts]


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_point_inwards(file: Path) -> None:
    module = module_of(file)
    outwards = {target: line for line, target in imports_of(file) if not may_import(module, target)}
    known = {target for importer, target in KNOWN_GAPS if importer == module}
    assert outwards.keys() == known, f"line by target: {outwards}; a gap that was closed leaves the list"


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("core.session", "store.store"),
        ("core.session", "config"),
        ("store.store", "engine.moves"),
        ("engine.moves", "api.app"),
        ("engine.moves", "sandbox.runtime"),
        ("api.app", "sandbox.runtime"),
        ("harness.claude", "sandbox.runtime"),
        ("sandbox.runtime", "guest.server"),
        ("runner.app", "store.store"),
        ("runner.app", "engine.moves"),
        ("guest.wire", "core.ids"),
        ("detection.node", "broker.mirror"),
        ("stores", "store.store"),
    ],
)
def test_arrows_that_point_out_are_seen(module: str, target: str) -> None:
    assert not may_import(module, target)
