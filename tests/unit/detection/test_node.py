"""Node repositories: package managers, dev servers, workspaces."""

import json
from typing import Any

import pytest

from lot.detection.detect import detect
from lot.detection.proposal import SetupProposal
from lot.detection.repository import RepositoryFiles

VITE: dict[str, Any] = {"scripts": {"dev": "vite"}, "devDependencies": {"vite": "7"}}


def proposal(files: dict[str, Any]) -> SetupProposal:
    """Return what is proposed for files, of which those that are no text become JSON."""
    texts = {path: one if isinstance(one, str) else json.dumps(one) for path, one in files.items()}
    return detect(RepositoryFiles.of(texts))


@pytest.mark.parametrize(
    ("files", "setup", "dev"),
    [
        ({}, "npm install", "npm run dev"),
        ({"package-lock.json": "{}"}, "npm ci", "npm run dev"),
        (
            {"yarn.lock": "# yarn lockfile v1\n"},
            "set -e\nsudo npm install --global yarn@1.22.22\nyarn install --frozen-lockfile",
            "yarn run dev",
        ),
        (
            {"yarn.lock": "# This file is generated\n\n__metadata:\n  version: 8\n"},
            "set -e\nsudo npm install --global @yarnpkg/cli-dist@4\nyarn install --immutable",
            "yarn run dev",
        ),
        (
            {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"},
            "set -e\nsudo npm install --global pnpm@9\npnpm install --frozen-lockfile",
            "pnpm run dev",
        ),
        (
            {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n", "pnpm-workspace.yaml": "overrides: {a: '1'}\n"},
            "set -e\nsudo npm install --global pnpm@10\npnpm install --frozen-lockfile",
            "pnpm run dev",
        ),
        (
            {"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"},
            "set -e\nsudo npm install --global pnpm@8\npnpm install --frozen-lockfile",
            "pnpm run dev",
        ),
        (
            {"bun.lock": "{}"},
            "set -e\nsudo npm install --global bun\nbun install --frozen-lockfile",
            "bun run dev",
        ),
    ],
)
def test_the_lock_file_says_which_package_manager(files: dict[str, str], setup: str, dev: str) -> None:
    made = proposal({"package.json": VITE, **files})
    assert (made.setup_command, made.dev_command, made.port) == (setup, dev, 5173)
    assert set(made.watched_files) == files.keys()


@pytest.mark.parametrize(
    ("named", "setup"),
    [
        ("pnpm@9.1.0+sha512.abc", "sudo npm install --global pnpm@9.1.0\npnpm install"),
        ("yarn@4.2.2", "sudo npm install --global @yarnpkg/cli-dist@4.2.2\nyarn install"),
        ("yarn@1.22.19", "sudo npm install --global yarn@1.22.19\nyarn install"),
        ("bun@1.1.0", "sudo npm install --global bun@1.1.0\nbun install"),
    ],
)
def test_package_json_may_name_the_package_manager_and_its_version(named: str, setup: str) -> None:
    made = proposal({"package.json": {**VITE, "packageManager": named}, "package-lock.json": "{}"})
    assert made.setup_command == f"set -e\n{setup}"
    assert any("names" in reason for reason in made.reasons)


@pytest.mark.parametrize("named", ["pnpm@$(reboot)", "npm@10.0.0", "rm@1", 7])
def test_a_package_manager_that_is_none_is_passed_over(named: object) -> None:
    made = proposal({"package.json": {**VITE, "packageManager": named}, "package-lock.json": "{}"})
    assert made.setup_command == "npm ci"


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({".nvmrc": "v22.11.0\n"}, 22),
        ({".nvmrc": "lts/jod"}, 22),
        ({".node-version": "24"}, 24),
        ({"package.json": {**VITE, "engines": {"node": ">=22 <25"}}}, 22),
        ({"package.json": {**VITE, "engines": {"node": "^20.19.0 || >=22.12.0"}}}, None),
        ({".nvmrc": "18"}, None),
        ({".nvmrc": "lts/*"}, None),
    ],
)
def test_a_newer_node_is_installed_when_it_is_asked_for(files: dict[str, Any], version: int | None) -> None:
    made = proposal({"package.json": VITE, **files})
    newer = f"sudo npm install --global node@{version}"
    assert made.setup_command == (f"set -e\n{newer}\nnpm install" if version else "npm install")


@pytest.mark.parametrize(
    ("script", "name", "port"),
    [
        ("vite --port 4321 --host", "Vite", 4321),
        ("next dev -p 3100", "Next.js", 3100),
        ("next dev --turbopack", "Next.js", 3000),
        ("nuxt dev", "Nuxt", 3000),
        ("astro dev", "Astro", 4321),
        ("react-router dev", "React Router", 5173),
        ("PORT=3456 react-scripts start", "Create React App", 3456),
        ("ng serve", "Angular", 4200),
        ("vue-cli-service serve", "Vue CLI", 8080),
        ("webpack serve --mode development", "webpack", 8080),
        ("cross-env NODE_ENV=development vite", "Vite", 5173),
    ],
)
def test_dev_servers_are_known_by_their_scripts(script: str, name: str, port: int) -> None:
    made = proposal({"package.json": {"scripts": {"dev": script}}})
    assert (made.dev_command, made.port) == ("npm run dev", port)
    assert any(f"a script dev that runs {name};" in reason for reason in made.reasons)


def test_a_configuration_sets_the_port() -> None:
    config = "export default defineConfig({\n  server: {\n    host: true,\n    port: 5199,\n  },\n});\n"
    made = proposal({"package.json": VITE, "vite.config.ts": config})
    assert made.port == 5199
    assert any("as vite.config.ts says" in reason for reason in made.reasons)


@pytest.mark.parametrize("script", ["vite build", "vite preview", "vitest", "next build", "next start"])
def test_a_build_is_no_dev_server(script: str) -> None:
    made = proposal({"package.json": {"scripts": {"build": script}, "devDependencies": {"vite": "7"}}})
    assert made.dev_command is None


def test_vite_without_a_script_is_started_where_there_is_a_page() -> None:
    manifest = {"devDependencies": {"vite": "7"}}
    assert proposal({"package.json": manifest, "index.html": "", "yarn.lock": ""}).dev_command == "yarn run vite"
    assert proposal({"package.json": manifest}).dev_command is None


@pytest.mark.parametrize(
    ("source", "dev", "port"),
    [
        ("app.listen(8081)", "npm start", 8081),
        ("app.listen(process.env.PORT || 8082)", "PORT=8082 npm start", 8082),
        ("const port = normalizePort(process.env.PORT || '8083'); app.listen(port)", "PORT=8083 npm start", 8083),
        ("const PORT = 8084;\napp.listen(PORT)", "npm start", 8084),
        ("app.listen({ host: '0.0.0.0', port: 8085 })", "npm start", 8085),
        ("app.listen(process.env.PORT)", "PORT=3000 npm start", 3000),
    ],
)
def test_a_servers_port_is_read_in_its_sources(source: str, dev: str, port: int) -> None:
    manifest = {"scripts": {"start": "node src/index.js"}, "dependencies": {"fastify": "5"}}
    made = proposal({"package.json": manifest, "src/index.js": source})
    assert (made.dev_command, made.port) == (dev, port)


def test_a_server_without_a_script_is_started_by_its_entry() -> None:
    made = proposal({"package.json": {"main": "./lib.js"}, "server.js": "http.createServer().listen(8090)"})
    assert (made.dev_command, made.port) == ("node server.js", 8090)


def test_a_server_that_runs_built_code_is_built_first() -> None:
    manifest = {
        "scripts": {"start": "node dist/main.js", "build": "tsc"},
        "dependencies": {"@nestjs/core": "11"},
    }
    made = proposal({"package.json": manifest, "src/main.ts": "await app.listen(process.env.PORT ?? 3001);"})
    assert made.setup_command == "set -e\nnpm install\nnpm run build"
    assert (made.dev_command, made.port) == ("PORT=3001 npm start", 3001)


def test_a_port_that_cannot_be_told_is_a_note() -> None:
    made = proposal({"package.json": {"scripts": {"dev": "make-it-run"}}})
    assert (made.dev_command, made.port) == ("npm run dev", None)
    assert any("could not be told" in note for note in made.notes)


def test_a_web_folder_of_its_own_is_installed_there() -> None:
    made = proposal({"README.md": "", "frontend/package.json": VITE, "frontend/package-lock.json": "{}"})
    assert (made.setup_command, made.dev_command) == ("cd frontend && npm ci", "cd frontend && npm run dev")
    assert made.folder == "frontend"


def test_a_folder_with_an_odd_name_is_quoted() -> None:
    made = proposal({"it's; reboot/package.json": VITE})
    assert made.dev_command == "cd 'it'\"'\"'s; reboot' && npm run dev"


def test_pnpm_workspace_is_installed_at_its_root_and_the_web_app_is_preferred() -> None:
    server = {"scripts": {"dev": "node server.js"}, "dependencies": {"express": "5"}}
    made = proposal(
        {
            "package.json": {"scripts": {"dev": "turbo run dev"}, "packageManager": "pnpm@9.15.0"},
            "pnpm-workspace.yaml": "packages:\n  - apps/*\n",
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
            "apps/docs/package.json": {"scripts": {"dev": "next dev -p 3001"}},
            "apps/web/package.json": {"scripts": {"dev": "next dev"}},
            "apps/api/package.json": server,
            "apps/api/server.js": "app.listen(4000)",
        }
    )
    assert made.setup_command == ("set -e\nsudo npm install --global pnpm@9.15.0\npnpm install --frozen-lockfile")
    assert (made.dev_command, made.port, made.folder) == ("cd apps/web && pnpm run dev", 3000, "apps/web")
    assert [(one.name, one.command, one.port) for one in made.processes] == [
        ("api", "cd apps/api && pnpm run dev", 4000)
    ]
    assert "The dev command does not start api." in made.notes


def test_a_script_that_starts_everything_is_taken() -> None:
    made = proposal(
        {
            "package.json": {
                "scripts": {"dev": 'concurrently "npm:server" "npm --prefix client run dev"'},
                "dependencies": {"express": "5"},
            },
            "server.js": "app.listen(4000)",
            "client/package.json": VITE,
        }
    )
    assert (made.dev_command, made.port, made.processes) == ("npm run dev", 5173, ())
    assert made.setup_command == "set -e\nnpm install\n(cd client && npm install)"


def test_members_are_built_before_those_that_use_them() -> None:
    def member(name: str, *uses: str) -> dict[str, Any]:
        built = {"name": name, "main": "dist/index.js", "scripts": {"build": "tsc"}}
        return {**built, "dependencies": dict.fromkeys(uses, "*")}

    made = proposal(
        {
            "package.json": {"workspaces": {"packages": ["packages/*", "web"]}},
            "web/package.json": {**VITE, "dependencies": {"@x/ui": "*"}},
            "packages/ui/package.json": member("@x/ui", "@x/core"),
            "packages/core/package.json": member("@x/core", "@x/ui"),
            "packages/other/package.json": member("@x/other"),
        }
    )
    assert made.setup_command == (
        "set -e\nnpm install\n(cd packages/core && npm run build)\n(cd packages/ui && npm run build)"
    )


def test_prisma_is_generated_and_migrated() -> None:
    files = {
        "package.json": {"scripts": {"dev": "next dev"}, "dependencies": {"@prisma/client": "6"}},
        "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    }
    made = proposal(files)
    assert made.setup_command is not None
    assert made.setup_command.endswith("npm install\nnpx prisma generate\nnpx prisma db push")
    assert [service.name for service in made.services] == ["PostgreSQL"]
    migrated = proposal({**files, "prisma/migrations/1/migration.sql": ""})
    assert migrated.setup_command is not None
    assert migrated.setup_command.endswith("npx prisma migrate deploy")
    elsewhere = proposal({"package.json": files["package.json"], "src/db/schema.prisma": "", "src/db/migrations/1": ""})
    assert elsewhere.setup_command == (
        "set -e\nnpm install\nnpx prisma generate --schema=src/db/schema.prisma\n"
        "npx prisma migrate deploy --schema=src/db/schema.prisma"
    )


def test_programs_are_brought_before_anything_is_installed() -> None:
    made = proposal(
        {"package.json": {"scripts": {"lint": "x"}}, ".nvmrc": "22", "web/package.json": VITE, "web/yarn.lock": ""}
    )
    assert made.setup_command == (
        "set -e\nsudo npm install --global yarn@1.22.22\nsudo npm install --global node@22\n"
        "(cd web && yarn install --frozen-lockfile)\nnpm install"
    )


def test_examples_and_dependencies_are_not_what_a_repository_is_about() -> None:
    made = proposal({"examples/app/package.json": VITE, "node_modules/vite/package.json": VITE})
    assert made.dev_command is None
