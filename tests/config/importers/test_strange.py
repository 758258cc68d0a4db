"""Whatever stands in somebody's file, it is read to its end, and what is written is TOML."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config.importers import Draft, write
from tests.config.importers.support import HASH, Kept, jasmin, kannel

VALUES = st.sampled_from([
    "", "0", "1", "-1", "1e400", "nan", "inf", "12.5", "0x34", "0x", "yes", "no", "true", "acme",
    "beta", "45;46", "+45;0046", "*", "*.*", "1.*.2.3", "999.1.1.1", "::1", "smpp", "None", "ND",
    "logins", "loop", "gone", '"', '"x', "smppc(acme)", "smpps(u);http(x)", "^45", "(", "^(a|b)$",
    "\u00e5", "a b c", "quota smpps_throughput inf", "f1;f2", "transmitter", "receiver",
    "99999999999999999999", "valuefilter src_addr ^(", "StaticMTRoute", "UserFilter",
])  # fmt: skip
KANNEL_OPTIONS = st.sampled_from([
    "smsc", "smsc-id", "host", "port", "receive-port", "transceiver-mode", "smsc-username",
    "smsc-password", "system-type", "interface-version", "throughput", "max-pending-submits",
    "msg-id-type", "alt-charset", "allowed-prefix", "denied-prefix", "preferred-prefix", "use-ssl",
    "instances", "source-addr-ton", "dest-addr-npi", "username", "password", "user-allow-ip",
    "forced-smsc", "smpp-logins", "smsbox-id", "shortcode", "include", "dead-start", "wait-ack",
])  # fmt: skip
GROUPS = st.sampled_from(["smsc", "core", "sendsms-user", "opensmppbox", "smsbox-route", "", "x"])
JASMIN_KINDS = st.sampled_from(
    ["smppccm", "user", "group", "filter", "mtrouter", "morouter", "httpccm", "stats", "x"]
)
JASMIN_KEYS = st.sampled_from([
    "cid", "host", "port", "username", "password", "bind", "ssl", "submit_throughput", "dlr_msgid",
    "src_ton", "con_loss_delay", "con_fail_delay", "uid", "gid", "mt_messaging_cred", "smpps_cred",
    "type", "fid", "connector", "connectors", "filters", "order", "rate", "destination_addr",
    "source_addr", "short_message", "timeInterval", "dlr_expiry", "elink_interval", "systype",
])  # fmt: skip


@st.composite
def kannel_files(draw: st.DrawFn) -> str:
    """Groups of options that exist, with values that may not."""
    lines = []
    for _ in range(draw(st.integers(0, 4))):
        lines.append(f"group = {draw(GROUPS)}")
        lines += [
            f"{draw(KANNEL_OPTIONS)} = {draw(VALUES)}" for _ in range(draw(st.integers(0, 12)))
        ]
        lines += [""] * draw(st.integers(0, 1))
    return "\n".join(lines)


@st.composite
def jasmin_files(draw: st.DrawFn) -> str:
    """Objects of the console, likewise."""
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        option = draw(st.sampled_from(["-a", "-s", "-u", "-d", "-0", "-1", "-l", "--add"]))
        lines.append(f"jcli : {draw(JASMIN_KINDS)} {option} {draw(VALUES)}")
        lines += [f"> {draw(JASMIN_KEYS)} {draw(VALUES)}" for _ in range(draw(st.integers(0, 10)))]
        lines.append(draw(st.sampled_from(["> ok", "ko", "", "quit"])))
    return "\n".join(lines)


class StrangeTests(SynchronousTestCase):
    """Neither importer fails on a file, and neither writes what cannot be read."""

    def written(self, draft: Draft) -> None:
        """It is TOML, with the accounts and providers that were found."""
        read = tomllib.loads(write(draft, Kept(), lambda _: HASH))
        self.assertEqual([*read.get("account", {})], [*draft.accounts])
        self.assertEqual([*read.get("provider", {})], [*draft.providers])

    @settings(deadline=None)
    @given(kannel_files(), st.text(max_size=60))
    def test_kannel(self, text: str, other: str) -> None:
        """With files that it names, also itself."""
        self.written(kannel(text, logins=other, loop="include = loop\n" + other))

    @settings(deadline=None)
    @given(jasmin_files())
    def test_jasmin(self, text: str) -> None:
        """The console's."""
        self.written(jasmin(text))

    @settings(deadline=None)
    @given(st.text(max_size=300))
    def test_any_text(self, text: str) -> None:
        """What is neither."""
        self.written(kannel(text))
        self.written(jasmin(text))
