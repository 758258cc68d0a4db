"""What the Sendexa document promises (SX-01 to SX-24), kept towards clients of that preset."""

from __future__ import annotations

from smppproxy.smpp.fields import read_message_id
from tests.providers.case import VECTORS, DocumentCase


class SessionTests(DocumentCase):
    """Binding and staying bound."""

    async def test_sx01_version_3_4(self) -> None:
        """A bind of version 3.4 is answered with body and sc_interface_version 0x34 (V02)."""
        world = await self.document("sendexa", bind=False)
        client = await world.another()
        client.send(VECTORS["V25"])
        self.assertEqual(client.octets[: len(VECTORS["V02"])], VECTORS["V02"])


class SubmitTests(DocumentCase):
    """Sending."""

    async def test_sx12_id_of_ten_digits(self) -> None:
        """An accepted submit_sm gets a message_id of ten decimal digits without a leading zero."""
        world = await self.document("sendexa")
        await world.send(VECTORS["V06"])
        submit, _ = await world.upstream_submit()
        await world.accept(submit, b"6000")
        resp = await world.answer()
        self.assertEqual((resp.sequence_number, resp.command_status), (2, 0))
        self.assertRegex(read_message_id(resp), rb"^[1-9][0-9]{9}$")


