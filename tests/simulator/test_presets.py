"""Simulated providers made of the shipped presets."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config.presets import provider_preset, provider_presets
from smppproxy.simulator.options import SmscOptions
from smppproxy.simulator.presets import SPELLINGS, habits_of, options_for
from smppproxy.smpp.constants import ESME_RALYBND, ESME_RTHROTTLED


class Presets(SynchronousTestCase):
    """What each preset says is what the simulator does."""

    def test_every_preset(self) -> None:
        """Window, rate, binds, silence and words are those of the preset; none is left out."""
        for name in provider_presets():
            table = provider_preset(name)
            options = options_for(name)
            demands = options.demands
            assert demands is not None and demands.text is not None
            self.assertEqual(options.submit_window, table["window"])
            self.assertEqual(options.tps, table.get("tps", 0))
            self.assertEqual(options.max_binds, table.get("max_binds", 0))
            self.assertEqual(options.idle_timeout, table["idle_timeout"])
            self.assertEqual(options.max_password, table.get("max_password", 0))
            self.assertEqual(demands.text.codings, table["text"]["codings"])
            self.assertEqual(demands.text.long, table["text"]["long"])
            self.assertEqual((options.throttle, options.bind_full), (ESME_RTHROTTLED, ESME_RALYBND))
            self.assertFalse({b"DELIVRD", b"ACCEPTD"} & set(options.failures))
            final = table["receipt"].get("final")
            if final:
                self.assertLessEqual({word.decode() for word in options.failures}, set(final))

    def test_gatewayapi(self) -> None:
        """Ten digits, err in its own base, the reference in text and TLV, SKIPPED too."""
        options = options_for("gatewayapi")
        self.assertEqual((options.id_format, options.err), ("dec", "gatewayapi"))
        self.assertEqual((options.shown, options.reference_max), ("reference", 20))
        self.assertIn(b"SKIPPED", options.failures)
        self.assertEqual(attrs_of("gatewayapi"), attrs_of("gatewayapi-eu"))

    def test_what_was_seen_of_an_operator(self) -> None:
        """What no option of the product depends on: data_sm, dates, ids, required TLVs."""
        cm = options_for("cm")
        self.assertEqual((cm.shape, cm.dates, cm.lean), ("data_sm", "century", True))
        self.assertEqual(cm.id_format, "hex32")
        self.assertEqual(options_for("clickatell").dates, "second")
        demands = options_for("telesign").demands
        assert demands is not None
        self.assertEqual(demands.tlvs_required, frozenset({0x1414}))

    def test_particular_ones(self) -> None:
        """A system_type, a last word of its own for a prefix, short references, segments."""
        self.assertEqual(options_for("sendexa").system_type, b"sendexa")
        self.assertEqual(options_for("messangi").outcomes, {b"57": b"ENROUTE"})
        coolsms = options_for("coolsms")
        self.assertEqual((coolsms.reference_max, coolsms.shown), (2, "message"))
        self.assertTrue(options_for("vibes").per_segment)
        self.assertEqual(options_for("sinch").failures, [b"EXPIRED", b"DELETED", b"UNDELIV"])

    def test_spellings(self) -> None:
        """Open ones vary, and where the preset fixes a place it stays as it is."""
        for number, (resp, receipt) in enumerate(SPELLINGS):
            options = options_for("generic", number)
            forms = (options.id_format, options.receipt_id_format, options.tlv_id_format)
            self.assertEqual(forms, (resp, receipt, receipt))
            options = options_for("vonage", number)
            forms = (options.id_format, options.receipt_id_format, options.tlv_id_format)
            self.assertEqual(forms, (resp, receipt, resp))
            self.assertEqual(options_for("tyntec", number), options_for("tyntec"))

    def test_habits(self) -> None:
        """A preset with changes, no preset at all, and one that is not there."""
        options = habits_of("geniq", tps=3, response_delay=0.5)
        self.assertEqual((options.tps, options.response_delay), (3, 0.5))
        self.assertEqual(options.max_binds, 2)
        self.assertEqual(habits_of("", tps=3), SmscOptions(tps=3))
        error = self.assertRaises(ValueError, habits_of, "nobody")
        self.assertIn("there is no preset nobody", str(error))
        self.assertRaises(ValueError, habits_of, "geniq", shape="round")


def attrs_of(preset: str) -> SmscOptions:
    """The habits of a preset but for its name."""
    return habits_of(preset, system_id=b"")
