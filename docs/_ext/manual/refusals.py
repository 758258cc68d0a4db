"""Every command_status that we give by ourselves, out of the program's table."""

from __future__ import annotations

from manual.words import heading, inline
from smppproxy.smpp.constants import status_name
from smppproxy.smpp.refusals import AS_PROVIDER, REFUSALS, Refusal

GROUPS = (
    ("bind_resp", "Answers to a bind"),
    ("submit_sm_resp", "Answers to a submit_sm"),
    ("its_resp", "Answers to a request of any kind"),
    ("generic_nack", "Answers to what is no request of ours"),
    ("unbind_resp", "Answers to an unbind"),
    ("unbind", "Sessions that we end by an unbind"),
    ("nothing", "What is not answered"),
)


def status(refusal: Refusal) -> str:
    """Its command_status in words: "0x58 ESME_RTHROTTLED"."""
    if refusal.answer in ("nothing", "unbind"):
        return "no command_status"
    if refusal.command_status == AS_PROVIDER:
        return "the provider's own command_status"
    return f"0x{refusal.command_status:02X} {status_name(refusal.command_status)}"


def lines() -> list[str]:
    """All of them, by what they are answered with."""
    result: list[str] = []
    known = {answer for answer, _ in GROUPS}
    assert known >= {each.answer for each in REFUSALS.values()}
    for answer, title in GROUPS:
        result += heading(title, 1)
        for refusal in REFUSALS.values():
            if refusal.answer == answer:
                result += _one(refusal)
    return result


def _one(refusal: Refusal) -> list[str]:
    rule = refusal.rule[0].upper() + refusal.rule[1:]
    after = "" if refusal.session == "keep" else " The connection is closed afterwards."
    return [
        f".. refusal:: {refusal.name} | {status(refusal)}", "", f"   {inline(rule)}.{after}", ""
    ]  # fmt: skip
