"""Puts every check to this machine, in the order in which one would mend things."""

from collections.abc import Iterator

from lot.config import Settings
from lot.doctor import isolation, machine, parts, surroundings
from lot.doctor.check import Check
from lot.doctor.probes import AGENT, CERTIFICATES, Probes
from lot.sandbox.base_image import find_base_image
from lot.sandbox.runtime import Runtime


def examine(settings: Settings, probes: Probes) -> Iterator[Check]:
    """Yield each check as soon as it is done; the last, the runtime's self-test, takes some seconds."""
    yield from _examine_machine(settings, probes)
    yield from _examine_isolation(settings, probes)
    yield from _examine_surroundings(settings, probes)
    yield parts.check_git(probes.git_version())
    yield parts.check_agent(AGENT, probes.agent_version())
    yield parts.check_base_image(find_base_image(settings.images_dir), settings.images_dir)
    yield parts.check_image_tools(probes.missing_image_tools())
    runtime = probes.runtime(settings.runtime_dir)
    yield parts.check_runtime(runtime)
    if isinstance(runtime, Runtime):
        yield _examine_kvm(runtime, probes)
        yield parts.check_self_test(probes.proof(runtime))
    else:
        yield machine.check_kvm(probes.has_kvm(), None)


def _examine_machine(settings: Settings, probes: Probes) -> Iterator[Check]:
    yield machine.check_privileges(probes.euid(), probes.sudo())
    yield machine.check_kernel(probes.system(), probes.release())
    yield machine.check_processor(probes.processor())
    yield machine.check_memory(probes.available_memory())
    yield machine.check_disk(settings.data_dir, probes.free_disk(settings.data_dir))


def _examine_isolation(settings: Settings, probes: Probes) -> Iterator[Check]:
    yield isolation.check_cgroups(probes.cgroups())
    yield isolation.check_overlay(probes.overlay(settings.data_dir))
    yield isolation.check_network_namespaces(probes.network_namespace())
    yield isolation.check_user_namespaces(probes.user_namespace())
    yield isolation.check_nftables(probes.nftables())
    yield isolation.check_forwarding(probes.ip_forward(), probes.can_set_ip_forward())


def _examine_surroundings(settings: Settings, probes: Probes) -> Iterator[Check]:
    yield surroundings.check_resolver(probes.nameservers(), probes.refused_lookup())
    yield surroundings.check_certificates(CERTIFICATES, probes.certificates())
    yield surroundings.check_port(settings.host, settings.port, probes.port(settings.host, settings.port))
    yield surroundings.check_provider(
        settings.provider, settings.anthropic_api_key is not None, settings.anthropic_auth_token is not None
    )


def _examine_kvm(runtime: Runtime, probes: Probes) -> Check:
    if not probes.has_kvm():
        return machine.check_kvm(False, None)
    trial = probes.kvm_proof(runtime)
    return machine.check_kvm(True, trial if isinstance(trial, str) else None)
