"""What an ACP agent finds in its environment: the way to the model, and how opencode is to be used here."""

import json
from collections.abc import Mapping
from typing import Any

from lot.core.records import AgentMode
from lot.harness.acp_place import AcpPlace
from lot.harness.harness import AgentOptions

PLACEHOLDER_KEY = "lot-placeholder-the-real-key-stays-outside"

_ASK = {"edit": "ask", "bash": "ask", "webfetch": "ask", "external_directory": "ask"}
_OPENCODE_PERMISSIONS: Mapping[AgentMode, Mapping[str, str]] = {
    AgentMode.FULL: dict.fromkeys(_ASK, "allow"),
    AgentMode.EDITS: {**_ASK, "edit": "allow"},
    AgentMode.ASK: _ASK,
    AgentMode.PLAN: _ASK,
}


def environment(place: AcpPlace, options: AgentOptions) -> Mapping[str, str]:
    """Return the environment of an agent: no key, and nothing that calls home."""
    host = place.model_url.split("/")[2].split(":")[0]
    return {
        "HOME": str(place.home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_PROXY": host,
        "no_proxy": host,
        "ANTHROPIC_BASE_URL": place.model_url,
        "ANTHROPIC_API_KEY": PLACEHOLDER_KEY,
        **({} if options.model is None else {"ANTHROPIC_MODEL": options.model}),
        "DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "OPENCODE_CONFIG_CONTENT": json.dumps(_opencode(place, options)),
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_SHARE": "1",
    }


def opencode_permissions(mode: AgentMode) -> Mapping[str, str]:
    """Return what opencode may do without asking; it learns that only when it is started."""
    return _OPENCODE_PERMISSIONS[mode]


def _opencode(place: AcpPlace, options: AgentOptions) -> Mapping[str, Any]:
    """Return opencode's configuration (its schema: opencode.ai/config.json)."""
    model = options.model
    named = {} if model is None else {"model": f"anthropic/{model}", "small_model": f"anthropic/{model}"}
    return {
        **named,
        "autoupdate": False,
        "share": "disabled",
        "enabled_providers": ["anthropic"],
        "permission": opencode_permissions(options.mode),
        # It would ask the model for a title of the conversation, which nobody sees here.
        "agent": {"title": {"disable": True}},
        "provider": {
            "anthropic": {
                "options": {"baseURL": f"{place.model_url}/v1", "apiKey": PLACEHOLDER_KEY},
                "models": {} if model is None else {model: {}},
            }
        },
    }
