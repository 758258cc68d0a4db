"""Tells twistd that there is a service named smppproxy."""

from twisted.application.service import ServiceMaker

smppproxy = ServiceMaker(
    "smppproxy",
    "smppproxy.tap",
    "SMPP multiplexing router",
    "smppproxy",
)
