"""How fast examples are drawn and played says how busy the machine is, nothing of the gateway: it fails no test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")
