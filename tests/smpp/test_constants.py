"""The numbers of the standard and their names."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.smpp import constants as c


class NamesTests(SynchronousTestCase):
    """Names are the standard's, and every number has one."""

    def test_command_names(self):
        """Requests and their responses are named alike; what the standard lacks is shown in hex."""
        self.assertEqual(c.command_name(c.SUBMIT_SM), "submit_sm")
        self.assertEqual(c.command_name(c.SUBMIT_SM_RESP), "submit_sm_resp")
        self.assertEqual(c.command_name(c.GENERIC_NACK), "generic_nack")
        self.assertEqual(c.command_name(0x99), "0x00000099")

    def test_notifications_have_no_response(self):
        """outbind and alert_notification are never answered, so no such answer has a name."""
        for command_id in c.UNANSWERED:
            self.assertIn(command_id, c.COMMAND_NAMES)
            self.assertNotIn(command_id | c.RESPONSE, c.COMMAND_NAMES)

    def test_every_command_constant_is_named(self):
        """Each *_RESP constant is its request with the response bit, and is named."""
        for name, number in vars(c).items():
            if name.endswith("_RESP"):
                self.assertEqual(number, getattr(c, name[:-5]) | c.RESPONSE)
                self.assertEqual(c.COMMAND_NAMES[number], name.lower())

    def test_status_names(self):
        """Statuses are named as in 5.1.3; vendor ones are shown in hex."""
        self.assertEqual(c.status_name(0x58), "ESME_RTHROTTLED")
        self.assertEqual(c.status_name(0), "ESME_ROK")
        self.assertEqual(c.status_name(0x40D), "0x0000040d")
