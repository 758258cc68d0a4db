"""Addresses as accounts promise them and as providers want them."""

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.accounts import Account
from smppproxy.routing.addresses import (
    AddressProfile,
    account_destination,
    account_source,
    provider_destination,
    provider_source,
)
from smppproxy.routing.rules import RuleError
from smppproxy.smpp.refusals import REFUSALS

#: As most presets have it.
USUAL = AddressProfile(1, 1, "strip", 5, 0, 3, 0, 1, 1, 11)
KEEP = attrs.evolve(USUAL, plus="keep")

octet = st.integers(0, 255)
addresses = st.binary(max_size=20)
tons = st.integers(-1, 6)
npis = st.integers(-1, 18)
profiles = st.builds(
    AddressProfile,
    *(tons, npis, st.sampled_from(("as_is", "strip", "keep"))),
    *(tons, npis, tons, npis, tons, npis, st.integers(0, 20)),
)


def account(**options: Any) -> Account:
    """An account with some options."""
    return Account("demo", "x", **options)


class AccountSourceTest(SynchronousTestCase):
    """account_source."""

    def check(self, options: dict[str, Any], rows: list[tuple[Any, Any]]) -> None:
        """Each address of a client and what comes of it."""
        for sent, expected in rows:
            self.assertEqual(account_source(account(**options), *sent), expected, sent)

    def test_default_takes_everything(self) -> None:
        """Without options every octet passes: Kannel's 2/1, long text, rubbish."""
        for sent in ((2, 1, b"4512345678"), (5, 0, b"A name that is long"), (200, 99, b"\xff")):
            self.assertEqual(account_source(account(), *sent), sent)

    def test_sx14_strict(self) -> None:
        """1 to 11 characters as text, at most 15 digits as a number, TON 0 by its form."""
        self.check(
            {"strict_addresses": True},
            [
                ((0, 0, b"Acme Shop"), (0, 0, b"Acme Shop")),
                ((5, 0, b"ABCDEFGHIJK"), (5, 0, b"ABCDEFGHIJK")),
                ((0, 0, b"ABCDEFGHIJKL"), "source_addr"),
                ((5, 0, b"ABCDEFGHIJKL"), "source_addr"),
                ((5, 0, b"123456789012"), "source_addr"),
                ((1, 1, b"123456789012345"), (1, 1, b"123456789012345")),
                ((1, 1, b"+123456789012345"), (1, 1, b"+123456789012345")),
                ((1, 1, b"1234567890123456"), "source_addr"),
                ((1, 1, b"ACME"), "source_addr"),
                ((5, 0, b"A\nB"), "source_addr"),
                ((0, 0, b""), (0, 0, b"")),
            ],
        )

    def test_mg25_sources(self) -> None:
        """An empty source becomes the first one; another is taken, refused or replaced."""
        sources = {"sources": ("1204", "Acme")}
        self.check(sources, [((0, 0, b""), (0, 0, b"1204")), ((0, 0, b"99"), (0, 0, b"99"))])
        self.check(
            sources | {"source_policy": "enforce"},
            [
                ((0, 0, b"9999"), "source_addr"),
                ((5, 0, b"Acme"), (5, 0, b"Acme")),
                ((5, 0, b"\xff"), "source_addr"),
                ((0, 0, b""), (0, 0, b"1204")),
            ],
        )
        self.check(
            sources | {"source_policy": "replace"}, [((0, 0, b"9999"), (0, 0, b"1204"))]
        )

    def test_mg25_policy_without_sources(self) -> None:
        """Nothing is enforced where nothing was agreed."""
        self.check({"source_policy": "enforce"}, [((0, 0, b"9999"), (0, 0, b"9999"))])

    def test_mg26_provisioned(self) -> None:
        """Provisioned TON and NPI win over the client's."""
        self.check({"source_ton": 1, "source_npi": 0}, [((5, 9, b"45"), (1, 0, b"45"))])

    def test_strict_numbers(self) -> None:
        """TON and NPI that SMPP 3.4 does not know are refused by the strict."""
        self.check({"strict_ton": True}, [((7, 0, b"x"), "source_addr_ton")])
        self.check({"strict_npi": True}, [((0, 2, b"x"), "source_addr_npi")])
        self.check({"strict_npi": True, "strict_ton": True}, [((6, 18, b"x"), (6, 18, b"x"))])


class AccountDestinationTest(SynchronousTestCase):
    """account_destination."""

    def check(self, options: dict[str, Any], rows: list[tuple[Any, Any]]) -> None:
        """Each address of a client and what comes of it."""
        for sent, expected in rows:
            self.assertEqual(account_destination(account(**options), *sent), expected, sent)

    def test_default_takes_everything(self) -> None:
        """Without options every octet passes."""
        for sent in ((2, 1, b"+4512345678"), (0, 0, b""), (200, 99, b"45ABC")):
            self.assertEqual(account_destination(account(), *sent), sent)

    def test_sx15_strict(self) -> None:
        """7 to 15 digits after a + and 00 are taken off."""
        self.check(
            {"strict_addresses": True},
            [
                ((1, 1, b"+4510203040"), (1, 1, b"4510203040")),
                ((1, 1, b"004510203040"), (1, 1, b"4510203040")),
                ((1, 1, b"45ABC"), "destination_addr"),
                ((1, 1, b""), "destination_addr"),
                ((1, 1, b"+"), "destination_addr"),
                ((1, 1, b"++4510203040"), "destination_addr"),
                ((1, 1, b"123456"), "destination_addr"),
                ((1, 1, b"1234567"), (1, 1, b"1234567")),
                ((1, 1, b"123456789012345"), (1, 1, b"123456789012345")),
                ((1, 1, b"1234567890123456"), "destination_addr"),
                ((1, 1, "４５１０２０３０".encode("utf-16")), "destination_addr"),
            ],
        )

    def test_sx15_keeps_00(self) -> None:
        """strip_00 = false leaves it."""
        options = {"strict_addresses": True, "strip_00": False}
        self.check(options, [((1, 1, b"+004510203"), (1, 1, b"004510203"))])

    def test_gw18_gw19_ton(self) -> None:
        """Only TON 0 and 1; 0 is read as 1, and its NPI 0 too."""
        self.check(
            {"strict_ton": True},
            [
                ((2, 1, b"45"), "dest_addr_ton"),
                ((0, 0, b"45"), (1, 1, b"45")),
                ((0, 8, b"45"), (1, 8, b"45")),
                ((1, 0, b"45"), (1, 0, b"45")),
            ],
        )

    def test_mg27_provisioned(self) -> None:
        """A provisioned TON wins, and is taken even where only 0 and 1 are."""
        self.check({"dest_ton": 1, "dest_npi": 1}, [((0, 0, b"45"), (1, 1, b"45"))])
        options = {"strict_ton": True, "dest_ton": 2}
        self.check(options, [((2, 1, b"45"), (2, 1, b"45")), ((3, 1, b"45"), "dest_addr_ton")])

    def test_gw19_npi(self) -> None:
        """strict_npi takes 0, 1 and a provisioned one."""
        self.check({"strict_npi": True}, [((1, 2, b"45"), "dest_addr_npi")])
        self.check({"strict_npi": True, "dest_npi": 3}, [((1, 3, b"45"), (1, 3, b"45"))])

    def test_refusals_have_rows(self) -> None:
        """Each name stands in the table of refusals."""
        strict = account(strict_ton=True, strict_npi=True, strict_addresses=True)
        names = {
            account_source(strict, 9, 0, b""),
            account_source(strict, 0, 99, b""),
            account_source(strict, 0, 0, b"\0"),
            account_destination(strict, 9, 0, b""),
            account_destination(strict, 0, 99, b""),
            account_destination(strict, 0, 0, b""),
        }
        self.assertEqual(len(names & set(REFUSALS)), 6)


class ProviderTest(SynchronousTestCase):
    """provider_source and provider_destination."""

    def test_sx14_sources(self) -> None:
        """Text is 5/0, a short code 3/0, a whole number 1/1 without its +."""
        for sent, expected in (
            ((0, 0, b"Acme Shop"), (5, 0, b"Acme Shop")),
            ((1, 1, b"Acme Shop"), (5, 0, b"Acme Shop")),
            ((5, 0, b"12345"), (5, 0, b"12345")),
            ((0, 0, b"12345"), (3, 0, b"12345")),
            ((2, 1, b"12345678"), (3, 0, b"12345678")),
            ((0, 0, b"123456789"), (1, 1, b"123456789")),
            ((1, 1, b"12345"), (1, 1, b"12345")),
            ((3, 0, b"123456789"), (3, 0, b"123456789")),
            ((6, 0, b"123456789"), (3, 0, b"123456789")),
            ((0, 0, b"+4512345"), (1, 1, b"4512345")),
            ((0, 0, b""), (0, 0, b"")),
        ):
            self.assertEqual(provider_source(USUAL, *sent), expected, sent)

    def test_oz10_short_code_by_profile(self) -> None:
        """12345 without a TON goes as the profile has short codes, 3/0 or 0/1."""
        profile = attrs.evolve(USUAL, short_ton=0, short_npi=1)
        self.assertEqual(provider_source(profile, 0, 0, b"12345"), (0, 1, b"12345"))

    def test_sx14_text_too_long(self) -> None:
        """Text that the provider would cut is refused; without a limit it passes."""
        self.assertEqual(provider_source(USUAL, 5, 0, b"ABCDEFGHIJKL"), "source_addr")
        profile = attrs.evolve(USUAL, alpha_max=0)
        self.assertEqual(provider_source(profile, 0, 0, b"ABCDEFGHIJKL")[0], 5)

    def test_mg26_profile_wins(self) -> None:
        """The profile's TON and NPI win over what came."""
        profile = AddressProfile(msisdn_ton=1)
        self.assertEqual(provider_source(profile, 2, 7, b"4512345678"), (1, 7, b"4512345678"))

    def test_sx15_plus_is_stripped(self) -> None:
        """strip takes the + of a number, and of nothing else."""
        self.assertEqual(provider_destination(USUAL, 0, 0, b"+4510203040"), (1, 1, b"4510203040"))
        self.assertEqual(provider_destination(USUAL, 0, 0, b"+abc"), (1, 1, b"+abc"))

    def test_oz11_plus_is_kept(self) -> None:
        """keep puts the + before international numbers that lack it, and before nothing else."""
        for sent, expected in (
            ((0, 0, b"1234567890"), b"+1234567890"),
            ((0, 0, b"+1234567890"), b"+1234567890"),
            ((1, 1, b"12345"), b"12345"),
            ((1, 1, b"0012345678"), b"0012345678"),
            ((1, 1, b"12345678901234567890"), b"12345678901234567890"),
        ):
            self.assertEqual(provider_destination(KEEP, *sent)[2], expected)
        national = attrs.evolve(KEEP, dest_ton=2)
        self.assertEqual(provider_destination(national, 1, 1, b"1234567890")[2], b"1234567890")

    def test_mg27_profile_wins(self) -> None:
        """TON and NPI of the destination are the profile's, or as they came."""
        self.assertEqual(provider_destination(AddressProfile(dest_npi=3), 2, 1, b"4")[:2], (2, 3))

    def test_transparent(self) -> None:
        """Only a profile that says nothing is transparent; TON 0 is something."""
        self.assertTrue(AddressProfile().transparent)
        for field in attrs.fields(AddressProfile):
            if field.init:
                value: Any = "strip" if field.name == "plus" else 1
                changed = AddressProfile(**{field.name: value})
                self.assertFalse(changed.transparent, field.name)
        self.assertFalse(AddressProfile(dest_ton=0).transparent)

    def test_rules_hold(self) -> None:
        """A value outside its rule makes no profile."""
        self.assertRaises(RuleError, AddressProfile, dest_ton=7)
        self.assertRaises(RuleError, AddressProfile, plus="add")


class PropertyTest(SynchronousTestCase):
    """Whatever comes."""

    @given(octet, octet, addresses)
    def test_transparent_is_the_same(self, ton: int, npi: int, address: bytes) -> None:
        """Neither a default account nor a transparent profile changes anything."""
        sent = (ton, npi, address)
        plain = AddressProfile()
        self.assertEqual(account_source(account(), *sent), sent)
        self.assertEqual(account_destination(account(), *sent), sent)
        self.assertEqual(provider_source(plain, *sent), sent)
        self.assertEqual(provider_destination(plain, *sent), sent)

    @given(profiles, octet, octet, addresses)
    def test_destination_twice(
        self, profile: AddressProfile, ton: int, npi: int, address: bytes
    ) -> None:
        """What a provider wants does not change when it is asked for again, and fits its field."""
        once = provider_destination(profile, ton, npi, address)
        self.assertEqual(provider_destination(profile, *once), once)
        self.assertLessEqual(len(once[2]), 20)
        self.assertEqual(once[2].removeprefix(b"+"), address.removeprefix(b"+"))

    @given(profiles, octet, octet, addresses)
    def test_source_octets(
        self, profile: AddressProfile, ton: int, npi: int, address: bytes
    ) -> None:
        """A source keeps its characters, and no other refusal than its own comes of it."""
        told = provider_source(profile, ton, npi, address)
        if isinstance(told, str):
            self.assertEqual(told, "source_addr")
            self.assertGreater(len(address), profile.alpha_max)
        else:
            self.assertIn(told[2], (address, address.removeprefix(b"+")))

    @given(octet, octet, addresses)
    def test_sx15_strict_destinations_are_digits(
        self, ton: int, npi: int, address: bytes
    ) -> None:
        """What strict_addresses lets pass has 7 to 15 digits and passes again."""
        strict = account(strict_addresses=True)
        once = account_destination(strict, ton, npi, address)
        if not isinstance(once, str):
            self.assertRegex(once[2], rb"\A[0-9]{7,15}\Z")
