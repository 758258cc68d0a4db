"""Several groups smsc with one smsc-id: the hosts and the binds of one provider.

A group of Kannel is a bind, or as many as its ``instances``, with a throughput of its own. Here a
provider has hosts, so many binds to each of them, and one rate for all.
"""

from __future__ import annotations

from smppproxy.config.importers.draft import Draft, Options, ProviderDraft
from smppproxy.config.importers.kannel_groups import Group

BOTH = "transmitter+receiver"

_COUNTED = frozenset({"binds"})
"""Options that are not the same for each group, but made of all of them."""

_OF_SUBMITS = ("window", "response_timeout")
"""Options that a group which only receives has not."""


class Joining:
    """Puts each group where it belongs, and tells what cannot be as it was."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._binds: dict[str, list[int]] = {}
        self._rates: dict[str, list[tuple[Group, int, float]]] = {}

    def add(self, group: Group, provider: ProviderDraft, rate: float) -> None:
        """A new provider, or more of one that is there; what differs is told.

        :param rate: messages a second over each bind of the group, 0 = no limit.
        """
        draft, binds = self._draft, provider.options.get("binds", 1)
        sends = provider.options["bind"] != "receiver"
        known = draft.providers.get(provider.name)
        if known is not None and not self._is_one(group, known, provider):
            known = None
        if known is None:
            draft.providers[provider.name] = provider
            self._binds[provider.name] = [binds]
        else:
            self._join(known, provider, binds)
            self._compare(group, known, provider)
        if sends:
            self._rates.setdefault(provider.name, []).append((group, binds, rate))

    def end(self) -> None:
        """What is made of all groups of a provider."""
        for name, binds in self._binds.items():
            provider = self._draft.providers[name]
            if max(binds) > 1:
                provider.options["binds"] = max(binds)
            if min(binds) < max(binds):
                text = f"binds = {max(binds)} to each host: some had {min(binds)} only"
                self._draft.note(provider.where, text)
        for name, rates in self._rates.items():
            self._limit(self._draft.providers[name].options, rates)

    def _is_one(self, group: Group, known: ProviderDraft, provider: ProviderDraft) -> bool:
        """Whether it is the same login; another one gets a name of its own."""
        if (known.system_id, known.password) == (provider.system_id, provider.password):
            return True
        name = f"{provider.name}-{len(self._draft.providers) + 1}"
        self._draft.note(
            group.where,
            f"the smsc-id {provider.name} of {known.where} has another system_id or password: "
            f"this one became the provider {name}, and no route goes there",
        )
        provider.name = name
        return False

    def _join(self, known: ProviderDraft, provider: ProviderDraft, binds: int) -> None:
        """Another host, more binds to one, or the other direction of one."""
        (host,) = provider.hosts
        counts = self._binds[known.name]
        ways = {known.options["bind"], provider.options["bind"]}
        if host not in known.hosts:
            known.hosts.append(host)
            counts.append(binds)
        elif ways == {"transmitter", "receiver"} and len(known.hosts) == 1:
            for option in _OF_SUBMITS:
                if option in provider.options:
                    known.options.setdefault(option, provider.options[option])
                elif option in known.options:
                    provider.options[option] = known.options[option]
            known.options["bind"] = provider.options["bind"] = BOTH
        else:
            counts[known.hosts.index(host)] += binds

    def _compare(self, group: Group, known: ProviderDraft, provider: ProviderDraft) -> None:
        for option in sorted({*known.options, *provider.options} - _COUNTED):
            mine, theirs = provider.options.get(option), known.options.get(option)
            if mine != theirs:
                self._draft.note(
                    group.where,
                    f"{option} is {_said(option, mine)} here and {_said(option, theirs)} at "
                    f"{known.where}: hosts of a provider are alike, the first one counts",
                )

    def _limit(self, options: Options, rates: list[tuple[Group, int, float]]) -> None:
        """One rate for all binds: the sum of theirs."""
        limited = [each for each in rates if each[2]]
        if not limited:
            return
        group = limited[0][0]
        if len(limited) < len(rates):
            (free, *_), (*_, rate) = next(each for each in rates if not each[2]), limited[0]
            text = f"throughput = {rate:g} is not carried: tps is for all binds of a provider"
            self._draft.note(group.place("throughput"), f"{text}, and {free.where} has no limit")
            return
        total = sum(binds * rate for _, binds, rate in limited)
        options["tps"] = max(1, int(total))
        if options["tps"] != total:
            text = f"throughput of all binds, {total:g}, became tps = {options['tps']}"
            self._draft.note(group.place("throughput"), f"{text}, a whole number")


def _said(option: str, value: object) -> str:
    if value is None:
        return "not set"
    return f"0x{value:02x}" if option == "interface_version" else f"{value}"
