"""What is given to the sandbox that builds an image."""

import ast
import json
import shlex
import sys

import pytest

from lot.runner.image_build import TIMEOUT_S, build_order
from lot.runner.image_builder import filter_steps, with_completion
from lot.runner.protocol import ImageBuild

ALLOW, DONE, UNSUPPORTED = 0x7FFF0000, 0x00050000, 0x0005005F
LGETXATTR, LLISTXATTR, MOUNT, GETXATTR = 192, 195, 165, 191
BIND, REC, PRIVATE, REMOUNT = 0x1000, 0x4000, 0x40000, 0x20
RDONLY, NOSUID, NODEV, NOEXEC = 0x1, 0x2, 0x4, 0x8


def test_command_is_the_builder_itself_with_what_is_to_be_built() -> None:
    build = ImageBuild(dockerfile="it's/Dockerfile", args={"A": '$(id) "x"'}, archive="out")
    order = build_order(build)
    sudo, *program, code, words = shlex.split(order.command)
    assert (sudo, program) == ("sudo", ["python3", "-I", "-c"])
    assert ImageBuild.model_validate_json(words) == build
    assert order.timeout_s == TIMEOUT_S
    compile(code, "builder", "exec")


def test_builder_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse(shlex.split(build_order(ImageBuild(image="x", archive="y")).command)[-2])
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_last_step_is_one_line_of_the_wanted_stage() -> None:
    plain = with_completion("FROM a AS b\nUSER x", None).splitlines()
    assert plain[:3] == ["FROM a AS b", "USER x", "USER root"]
    assert json.loads(plain[3].removeprefix("RUN "))[:2] == ["/bin/sh", "-c"]
    assert len(plain) == 4
    assert with_completion("FROM a AS b\nFROM c", "b").splitlines()[2:4] == ["FROM b", "USER root"]


@pytest.mark.parametrize(
    ("number", "flags", "answer"),
    [
        (LGETXATTR, 0, UNSUPPORTED),
        (LLISTXATTR, 0, UNSUPPORTED),
        (GETXATTR, 0, ALLOW),
        (MOUNT, BIND | REC | PRIVATE | NOEXEC | NOSUID | RDONLY, ALLOW),  # /dev, bound
        (MOUNT, BIND | REC | PRIVATE | NOEXEC | NOSUID | RDONLY | REMOUNT, DONE),  # /dev, made read-only
        (MOUNT, BIND | REC | PRIVATE | NOEXEC | NOSUID | NODEV | RDONLY | REMOUNT, ALLOW),  # /sys
        (MOUNT, BIND | REC | PRIVATE | NOEXEC | RDONLY | REMOUNT, ALLOW),  # /proc/bus
        (MOUNT, BIND | REC | PRIVATE | REMOUNT, ALLOW),
    ],
)
def test_filter_answers_for_what_gvisor_lacks_and_nothing_else(number: int, flags: int, answer: int) -> None:
    assert run_filter(filter_steps("x86_64"), {0: number, 40: flags}) == answer


def run_filter(steps: tuple[tuple[int, int, int, int], ...], data: dict[int, int]) -> int:
    """Do what the kernel does with a filter. Source: the kernel's documentation, networking/filter."""
    value = at = 0
    while True:
        operation, if_so, if_not, operand = steps[at]
        at += 1
        if operation == 0x20:
            value = data[operand]
        elif operation == 0x06:
            return operand
        else:
            is_so = value == operand if operation == 0x15 else bool(value & operand)
            at += if_so if is_so else if_not
