"""Ruby: Rails, Sinatra and whatever else a config.ru starts."""

import re

from lot.detection.app import App, Rank, Step
from lot.detection.repository import Survey, join

_GEM = re.compile(r"^[ \t]*gem\s+['\"]([\w-]+)['\"]", re.MULTILINE)
_RUBY = re.compile(r"^[ \t]*ruby\s+['\"](?!3\.3)(?:~>\s*|>=\s*)?(\d[\d.]*)", re.MULTILINE)
_SINATRA_PORT = re.compile(r"^[ \t]*set\s+:port,\s*(\d{2,5})", re.MULTILINE)
_SINATRA = re.compile(r"^[ \t]*require\s+['\"]sinatra['\"]", re.MULTILINE)
_BASE = ("build-essential", "libyaml-dev", "ruby-bundler", "ruby-full")
_HEADERS = {"pg": "libpq-dev", "sqlite3": "libsqlite3-dev", "mysql2": "libmariadb-dev", "trilogy": "libmariadb-dev"}
# Outside the workspace: what is beneath it would be in the way of every search.
_INSTALL = ("bundle config set --global path ~/.gems", "bundle install")


def find_ruby_apps(survey: Survey) -> list[App]:
    """Return an app for each folder with a Gemfile."""
    return [_app(survey, folder) for folder in survey.folders_with("Gemfile", depth=2)]


def _app(survey: Survey, folder: str) -> App:
    path = join(folder, "Gemfile")
    gems = frozenset(_GEM.findall(survey.text(path)))
    name, dev, port, reason = _start(survey, folder, gems)
    ruby = _RUBY.search(survey.text(path))
    return App(
        name=name,
        folder=folder,
        rank=Rank.SERVER if dev else Rank.PARTS,
        install=tuple(Step(command, folder) for command in _INSTALL),
        prepare=(Step("bundle exec rails db:prepare", folder),) if name == "Rails" and gems & _HEADERS.keys() else (),
        dev=dev,
        port=port,
        packages=frozenset((*_BASE, *(_HEADERS[gem] for gem in gems & _HEADERS.keys()))),
        dependencies=gems,
        serves_pages=name == "Rails",
        why_installed=(f"{path} lists the gems.",),
        why_started=(reason,) if reason else (),
        notes=(f"{path} asks for Ruby {ruby[1]}; Debian brings 3.3.",) if ruby else (),
    )


def _start(survey: Survey, folder: str, gems: frozenset[str]) -> tuple[str, str | None, int | None, str]:
    """Return name, command, port and reason."""
    path = join(folder, "Gemfile")
    if "rails" in gems:
        # A server that was frozen or killed has left its process id, and Rails would take it for a live one.
        command = "rm -f tmp/pids/server.pid && bundle exec rails server --binding 0.0.0.0 --port 3000"
        return "Rails", command, 3000, f"{path} has rails; its server is given port 3000."
    if survey.has(rack := join(folder, "config.ru")):
        name = "Sinatra" if "sinatra" in gems else "Rack"
        return name, "bundle exec rackup --host 0.0.0.0 --port 9292", 9292, f"{rack} is started by rackup on port 9292."
    for source, text in survey.sources(folder, ".rb"):
        if "sinatra" in gems and _SINATRA.search(text):
            found = _SINATRA_PORT.search(text)
            port = int(found[1]) if found else 4567
            name = source.removeprefix(f"{folder}/") if folder else source
            return "Sinatra", f"bundle exec ruby {name} -o 0.0.0.0 -p {port}", port, f"{source} is a Sinatra app."
    return "Ruby", None, None, ""
