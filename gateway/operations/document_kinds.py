"""The table of desired-state documents: which there are, and what is done with each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.operations import (
    apply_auth_list,
    apply_config_keys,
    apply_firmware,
    apply_gateway,
    apply_load,
    apply_profiles,
    apply_stations,
)
from gateway.operations.document_turn import Kind

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "auth-list": Kind(
            read=apply_auth_list.read,
            apply=apply_auth_list.apply,
            withdraw=apply_auth_list.withdraw,
            tell=apply_auth_list.tell,
            deltas=True,
            shared=True,
            keeps_body=False,
        ),
        "profiles": Kind(
            read=apply_profiles.read,
            apply=apply_profiles.apply,
            tell=apply_profiles.tell,
            keeps_body=False,
        ),
        "stations": Kind(
            read=apply_stations.read,
            apply=apply_stations.apply,
            tell=apply_stations.tell,
            prepare=apply_stations.prepare,
            deltas=True,
            secrets=apply_stations.SECRETS,
        ),
        "config-keys": Kind(read=apply_config_keys.read, apply=apply_config_keys.apply, tell=apply_config_keys.tell),
        "load": Kind(read=apply_load.read, apply=apply_load.apply, tell=apply_load.tell),
        "firmware": Kind(
            read=apply_firmware.read,
            apply=apply_firmware.apply,
            withdraw=apply_firmware.withdraw,
            tell=apply_firmware.tell,
        ),
        "gateway": Kind(
            read=apply_gateway.read, apply=apply_gateway.apply, withdraw=apply_gateway.withdraw, tell=apply_gateway.tell
        ),
    }
)
