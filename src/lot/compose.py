"""Builds every part from the settings and alone knows them all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from lot.api.app import build_app
from lot.api.auth import load_token
from lot.api.tickets import Tickets
from lot.broker.accounts import StoredAccounts
from lot.broker.apart import apart
from lot.broker.app import create_broker_app
from lot.broker.backoff import Backoff
from lot.broker.git import GitGrant, create_git_app
from lot.broker.lease import Leases
from lot.broker.mirror import Mirrors
from lot.broker.model import ModelBroker
from lot.broker.passes import PassControl, Passes
from lot.broker.prices import Prices
from lot.broker.providers import Provider, Providers
from lot.broker.session import create_session_app
from lot.config import Settings
from lot.core.errors import SetupError
from lot.core.ids import SessionId, SnapshotId
from lot.engine.bus import Bus
from lot.engine.engine import Engine
from lot.engine.folders import Folders
from lot.engine.parts import Parts
from lot.fleet.local import LocalFleet
from lot.forge.hosts import StoredHosts
from lot.log import configure_logging
from lot.push.notices import telling
from lot.rehearsal.serve import serve_on_socket, serve_rehearsal
from lot.runner.browser import install_order
from lot.runner.image_build import build_order
from lot.sandbox.base_image import find_base_image
from lot.sandbox.hibernation import prove_image
from lot.sandbox.home import Installation
from lot.sandbox.host_room import available_memory
from lot.sandbox.image_store import ImageStore
from lot.sandbox.layer_measure import measure_layer
from lot.store.keys import keys_in_use, load_box
from lot.store.leases import LeaseStore
from lot.store.rotation import rotate_keys
from lot.store.secrets import SecretBox
from lot.store.store import Store


def create_app(settings: Settings) -> Starlette:
    """Return the control plane of one installation; it runs as long as the application's lifespan."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with keys_in_use(settings.data_dir):
            async with running(settings) as inner:
                app.mount("/", inner)
                yield

    return Starlette(lifespan=lifespan)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    """Run a control plane for the length of the block; yield its application.

    Raises:
        SetupError: the machine is not set up. UnavailableError: the database cannot be opened.
    """
    configure_logging()
    base = find_base_image(settings.images_dir)
    if base is None:
        raise SetupError(f"there is no base image in {settings.images_dir}; run `make setup` (or `lot setup`) first")
    folders = Folders(settings.data_dir, settings.images_dir)
    folders.control_socket.parent.mkdir(parents=True, exist_ok=True)
    for private in (folders.layers, folders.hibernation):
        # Disks and memory of sandboxes: whatever is in them is for nobody else on this machine.
        private.mkdir(mode=0o700, exist_ok=True)
    box = load_box(settings)
    store = await Store.open(settings.sqlalchemy_url, box)
    for file in settings.data_dir.glob("lot.db*"):
        file.chmod(0o600)  # Conversations are for nobody else on this machine.
    providers = Providers.from_settings(settings, folders.rehearsal_socket)
    passes, hosts = Passes(box.derive("passes")), StoredHosts(store, _now)
    mirrors = Mirrors(settings.data_dir / "mirrors", hosts.credential_of)
    parts = Parts(
        settings=settings,
        folders=folders,
        store=store,
        fleet=LocalFleet(settings),
        mirrors=mirrors,
        passes=passes,
        bus=Bus(),
        now=_now,
        forge_of=lambda project: hosts.forge_of(project, mirrors),
        hosts=hosts,
        get_provider=providers.get_provider,
        list_providers=providers.list_providers,
        model_access=providers,
        available_memory=available_memory,
        browser=install_order(),
        find_base_image=lambda: base.image_id,
        measure_layer=measure_layer,
        prove_image=prove_image,
        images=ImageStore(
            images_dir=settings.images_dir,
            installation=Installation(settings.data_dir).tag,
            disk_reserve_bytes=settings.disk_reserve_bytes,
        ),
        image_build=build_order,
    )
    engine = Engine(parts)
    control = _control(parts)
    model = _model_broker(parts, providers, engine, control)
    app = build_app(
        engine, settings, token=load_token(settings.data_dir), tickets=Tickets(box.derive("preview tickets"))
    )
    try:
        async with (
            model.running(),
            apart(lambda: _renewing_leases(settings, folders, passes, box)),
            serve_on_socket(_broker(parts, engine, control, model), folders.control_socket),
            serve_rehearsal(folders.rehearsal_socket),
            engine.running(pause_on_stop=True),
            telling(store, parts.bus.overview, settings, _now),
        ):
            yield app
    finally:
        with anyio.CancelScope(shield=True):
            await providers.close()
            await store.close()


@asynccontextmanager
async def _renewing_leases(settings: Settings, folders: Folders, passes: Passes, box: SecretBox) -> AsyncIterator[None]:
    """Serve what runners say of their leases for the length of the block."""
    store = LeaseStore.beside(settings.sqlalchemy_url, box, connections=2)
    try:
        async with serve_on_socket(Leases(passes, store).app(), folders.lease_socket):
            yield
    finally:
        with anyio.CancelScope(shield=True):
            await store.close()


def rotate_secrets(settings: Settings) -> int:
    """Seal every secret of an installation under a new key; raises as `store.rotation.rotate_keys` does."""
    return anyio.run(rotate_keys, settings)


def _control(parts: Parts) -> PassControl:
    store = parts.store

    async def check_epoch(kind: str, subject: str, epoch: int) -> None:
        if kind == "session":
            await store.check_epoch("session", SessionId(subject), epoch)
        else:
            await store.check_epoch("snapshot", SnapshotId(subject), epoch)

    return PassControl(parts.passes, check_epoch)


def _model_broker(parts: Parts, providers: Providers, engine: Engine, control: PassControl) -> ModelBroker:
    store, settings = parts.store, parts.settings

    async def provider_of(session_id: SessionId) -> Provider:
        return providers.get_provider((await store.get_session(session_id)).provider)

    prices = Prices.load(settings.model_prices)
    accounts = StoredAccounts(store, prices, parts.now, engine.budget_reached)
    backoff = Backoff(attempts=settings.model_attempts, patience_s=settings.model_patience_s)
    return ModelBroker(control, provider_of, accounts, engine.model_waits, backoff)


def _broker(parts: Parts, engine: Engine, control: PassControl, model: ModelBroker) -> Starlette:
    """Return what runners reach on the control socket, each thing behind a pass."""
    store = parts.store

    async def authorize(request: Request) -> GitGrant:
        held = await control.admit(request)
        if held.kind == "session":
            session = await store.get_session(held.session_id)
            return GitGrant(session.project_id, session.id, session.branch)
        snapshot = await store.get_snapshot(SnapshotId(held.id))
        return GitGrant(snapshot.project_id, None, None)

    broker = create_broker_app(
        model,
        create_git_app(parts.mirrors, authorize),
        create_session_app(control, engine.publish_for_agent, engine.setups.propose, engine.restart_dev_server),
    )
    return Starlette(routes=[Mount("/broker", app=broker)])


def _now() -> datetime:
    return datetime.now(UTC)
