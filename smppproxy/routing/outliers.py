"""Hosts that fail while others of their provider do not: they are left alone for a while.

Five failures in a row eject a host: answers that tell of its own trouble, lost binds, answers that
never came. That it wants fewer messages is none, and no more is its refusal of a message. The first
ejection lasts 30 s, the second 60, up to 300; for each 300 s that a host then stays, its next one
is a step shorter. It comes back on trial: the first failure ejects it again, the first good answer
ends the trial. The last host of a provider is never ejected (mission XC-12).
"""

from __future__ import annotations

FAILURES = 5
"""In a row, for an ejection."""

STEP = 30.0
"""Seconds of the first ejection; the n-th lasts n of them."""

LONGEST = 300.0
"""Seconds of the longest ejection, and of good service for which one of the past is forgotten."""


class Record:
    """What is held against one host.

    :ivar times: how often it was ejected, less what is forgotten.
    :ivar until: when its ejection ends or ended, monotonic seconds.
    """

    __slots__ = ("times", "until")

    def __init__(self) -> None:
        self.times = 0
        self.until = 0.0

    def forget(self, now: float) -> None:
        """Time without an ejection heals."""
        healed = int((now - self.until) // LONGEST)
        if healed > 0:
            self.times = max(0, self.times - healed)
            self.until += healed * LONGEST


class Outliers:
    """The hosts of one provider.

    :ivar failures: in a row, of hosts that failed, or are on trial, and were not good since.
    :ivar ejected: hosts that are left alone now.
    :ivar trial: hosts that came back and have not been good since.
    """

    def __init__(self) -> None:
        self.failures: dict[str, int] = {}
        self.ejected: set[str] = set()
        self.trial: set[str] = set()
        self._records: dict[str, Record] = {}

    def failed(self, host: str, now: float, others: bool, count: int = 1) -> float:
        """Note failures of a host; for how many seconds it is ejected now, 0.0 if it is not.

        :param others: whether another host of the provider is bound and not ejected.
        """
        if host in self.ejected:
            return 0.0
        failures = self.failures[host] = self.failures.get(host, 0) + count
        if not others or (failures < FAILURES and host not in self.trial):
            return 0.0
        record = self._records.setdefault(host, Record())
        record.forget(now)
        record.times += 1
        seconds = min(record.times * STEP, LONGEST)
        record.until = now + seconds
        del self.failures[host]
        self.trial.discard(host)
        self.ejected.add(host)
        return seconds

    def good(self, host: str) -> bool:
        """The host took a message; whether that ended its trial."""
        self.failures.pop(host, None)
        if host not in self.trial:
            return False
        self.trial.remove(host)
        return True

    def back(self, now: float) -> list[str]:
        """Hosts whose ejection is over: from now on they are on trial."""
        over = [host for host in self.ejected if self._records[host].until <= now]
        for host in over:
            self.ejected.remove(host)
            self.trial.add(host)
            self.failures[host] = 0
        for host in [*self._records]:
            record = self._records[host]
            record.forget(now)
            if not record.times:
                del self._records[host]
        return over

    def until(self, host: str) -> float:
        """When the host's ejection ends, monotonic seconds; 0.0 when it is not ejected."""
        return self._records[host].until if host in self.ejected else 0.0

    def times(self, host: str) -> int:
        """How often the host was ejected, less what is forgotten."""
        record = self._records.get(host)
        return record.times if record is not None else 0
