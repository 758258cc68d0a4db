"""Tests of smppproxy, one folder per room."""

from hypothesis import HealthCheck, settings

# How long an example takes, or takes to be made, says something of the machine, not of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
