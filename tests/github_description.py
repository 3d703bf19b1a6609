"""GitHub's own published OpenAPI description, from the npm registry: whether requests and answers fit it."""

import base64
import copy
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

VERSION = "23.0.2"
INTEGRITY = "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
_MEMBER = "package/generated/api.github.com.json"
_NAME = "urn:github"


def load_description(folder: Path) -> "Description":
    """Return the description, fetched into `folder` the first time."""
    file = folder / f"api.github.com-{VERSION}.json"
    if not file.exists():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _fetch(Path(scratch)).rename(file)
    return Description(json.loads(file.read_bytes()))


def _fetch(scratch: Path) -> Path:
    subprocess.run(["npm", "pack", "--silent", f"@octokit/openapi@{VERSION}"], cwd=scratch, check=True, timeout=300)
    [package] = scratch.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == INTEGRITY, "the package is not the one that was pinned"
    with tarfile.open(package) as archive:
        content = archive.extractfile(_MEMBER)
        assert content is not None
        (scratch / "description.json").write_bytes(content.read())
    return scratch / "description.json"


@dataclass(frozen=True)
class Operation:
    """What is described of one method of one path."""

    description: "Description"
    pointer: str
    content: Mapping[str, Any]
    template: str
    values: Mapping[str, str]
    """What stands in the path for each name."""

    def example(self, status: int = 200) -> Any:
        """Return a copy of the published example of an answer."""
        examples = self._content(status)["examples"]
        return copy.deepcopy(self.description.resolved(next(iter(examples.values())))["value"])

    def faults_of_request(self, query: Mapping[str, str], content_type: str | None, body: bytes) -> list[str]:
        """Return what does not fit."""
        parameters = [self.description.resolved(one) for one in self.content.get("parameters", [])]
        described = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
        faults = [f"query parameter {name} is not described" for name in query if name not in described]
        for place, values in (("query", query), ("path", self.values)):
            for one in parameters:
                if one["in"] == place and one["name"] in values:
                    faults += self.description.faults(one["schema"], _typed(one["schema"], values[one["name"]]))
        return faults + self._faults_of_body(content_type, body)

    def faults_of_answer(self, status: int, body: Any) -> list[str]:
        """Return what does not fit; errors that are described nowhere have the shape of all errors."""
        if status >= 400 and str(status) not in self.content["responses"]:
            return self.description.faults({"$ref": f"{_NAME}#/components/schemas/basic-error"}, body)
        return self.description.faults(self._content(status)["schema"], body)

    def _faults_of_body(self, content_type: str | None, body: bytes) -> list[str]:
        described = self.content.get("requestBody")
        if not body:
            return ["there is no body"] if described and described.get("required") else []
        if described is None:
            return ["no body is described"]
        if content_type != "application/json":
            return [f"the body is {content_type}"]
        schema, value = described["content"]["application/json"]["schema"], json.loads(body)
        unknown = set(value) - set(schema.get("properties", value))
        return [f"{name} is not described" for name in unknown] + self.description.faults(schema, value)

    def _content(self, status: int) -> Any:
        answer = self.description.resolved(self.content["responses"][str(status)])
        return answer["content"]["application/json"]


@dataclass(frozen=True)
class Description:
    """The whole description."""

    document: Mapping[str, Any]
    _registry: list[Any] = field(default_factory=list)

    def find(self, method: str, path: str) -> Operation | None:
        """Return the operation that a request is for; a path that is spelled out goes before one with names."""
        for template in sorted(self.document["paths"], key=lambda one: one.count("{")):
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
            found = re.fullmatch(pattern, path)
            if found and method.lower() in self.document["paths"][template]:
                content = self.document["paths"][template][method.lower()]
                pointer = template.replace("~", "~0").replace("/", "~1")
                return Operation(self, f"/paths/{pointer}/{method.lower()}", content, template, found.groupdict())
        return None

    def resolved(self, node: Any) -> Any:
        """Return what a reference refers to."""
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def faults(self, schema: Any, value: Any) -> list[str]:
        """Return where a value does not fit a schema."""
        if not self._registry:
            resource = Resource(contents=self.document, specification=DRAFT4)
            self._registry.append(Registry().with_resource(_NAME, resource))
        rebased = json.loads(json.dumps(schema).replace('"#/components/', f'"{_NAME}#/components/'))
        validator = OAS30Validator(rebased, registry=self._registry[0])
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]


def _typed(schema: Any, text: str) -> Any:
    """Return a parameter's text as what its schema calls for."""
    if schema.get("type") == "integer" and text.isdigit():
        return int(text)
    return {"true": True, "false": False}.get(text, text) if schema.get("type") == "boolean" else text
