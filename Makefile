# Set up, run, test and show Lot. Every target may be repeated; what is done already is skipped.
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := run
.PHONY: setup run test demo check lock web-dev web-types

# Sandboxes need root: as another user, sudo is asked for it, and keeps LOT_* and API keys.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo --preserve-env)
LOCK := uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

WEB := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix web --silent

setup:
	@setup/bootstrap.sh
	@$(SUDO) .venv/bin/lot setup $(if $(DEBIAN_MIRROR),--debian-mirror $(DEBIAN_MIRROR))

run: setup
	@$(SUDO) .venv/bin/lot up --example

test: setup
	@setup/bootstrap.sh --for-tests
	@$(SUDO) .venv/bin/pytest $(PYTEST_ARGS)

# Without a key the demo plays the scripted provider, and says so.
KEYS := $(ANTHROPIC_API_KEY)$(LOT_ANTHROPIC_API_KEY)$(LOT_ANTHROPIC_AUTH_TOKEN)
demo: setup
	@$(SUDO) .venv/bin/lot demo $(if $(KEYS),,--provider rehearsal) $(ARGS)

check:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@setup/web.sh --packages
	@$(WEB) run check

# The web application served from its sources, in front of a server that is up; LOT_TOKEN signs it in.
web-dev:
	@setup/web.sh --packages
	@$(WEB) run dev

# What the web application knows of the API, written anew from the server's own description.
web-types:
	@setup/web.sh --packages
	@.venv/bin/python -m tests.web_types
	@$(WEB) run types

# Needs uv on the PATH; keeps locked versions unless LOCK_ARGS=--upgrade.
lock:
	@$(LOCK) $(LOCK_ARGS) pyproject.toml -o requirements/run.txt
	@$(LOCK) $(LOCK_ARGS) pyproject.toml requirements/dev.in -c requirements/run.txt -o requirements/dev.txt
	@$(LOCK) $(LOCK_ARGS) requirements/web.in -o requirements/web.txt
