"""The store's URL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.store.interface import StoreError
from smppproxy.store.url import parse_url


class UrlTests(SynchronousTestCase):
    """Every form, and every mistake."""

    def test_forms(self):
        """What each kind of URL means."""
        plain = parse_url("redis://store")
        self.assertEqual((plain.hosts, plain.db, plain.name), ([("store", 6379)], 0, "store"))
        self.assertEqual((plain.prefix, plain.deadline), (b"smppproxy:", 1.0))
        full = parse_url("rediss://us%40er:p%3aw@[::1]:7000/3?name=store.example&prefix=x:")
        self.assertEqual((full.scheme, full.hosts, full.db), ("rediss", [("::1", 7000)], 3))
        self.assertEqual((full.user, full.password), (b"us@er", b"p:w"))
        self.assertEqual((full.name, full.prefix), ("store.example", b"x:"))
        socket = parse_url("redis+unix://:secret@/run/redis/a%20b?db=2&deadline=0.5")
        self.assertEqual((socket.path, socket.db), ("/run/redis/a b", 2))
        self.assertEqual((socket.password, socket.deadline), (b"secret", 0.5))
        sentinels = parse_url("redis+sentinel://one,two:1234,three/main/5")
        self.assertEqual(sentinels.hosts, [("one", 26379), ("two", 1234), ("three", 26379)])
        self.assertEqual((sentinels.master, sentinels.db, sentinels.tls), ("main", 5, False))
        self.assertTrue(parse_url("redis+sentinel://a/main?tls=yes&name=store.example").tls)
        cluster = parse_url("redis+cluster://u:p@one,two:1234/net?tls=yes&name=store.example")
        self.assertEqual(cluster.hosts, [("one", 6379), ("two", 1234)])
        self.assertEqual((cluster.tag, cluster.prefix), (b"net", b"{net}:smppproxy:"))
        self.assertEqual((cluster.user, cluster.tls, cluster.name), (b"u", True, "store.example"))
        own = parse_url("redis+cluster://one/n%20et?prefix=x:&deadline=2")
        self.assertEqual((own.tag, own.prefix), (b"n et", b"{n et}:x:"))
        self.assertEqual((own.tls, own.name, own.deadline), (False, "", 2.0))
        self.assertEqual(parse_url("embedded:///var/lib/smppproxy").path, "/var/lib/smppproxy")

    def test_a_password_in_a_file(self):
        """It need not stand in the URL."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        (folder / "secret").write_text("hush\n")
        address = parse_url(f"redis://store?password_file={folder}/secret")
        self.assertEqual(address.password, b"hush")
        with self.assertRaisesRegex(StoreError, "No such file"):
            parse_url("redis://store?password_file=/nowhere")

    def test_mistakes(self):
        """Each is named; a password is never shown."""
        for url, what in (
            ("http://x", "kind 'http'"),
            ("", "kind ''"),
            ("redis://", "names no host"),
            ("redis://a,b", "exactly one host"),
            ("redis://:hush@a?colour=red", "unknown option: colour"),
            ("redis://:hush@a/b", "cannot be read"),
            ("redis://:hush@a:port", "cannot be read"),
            ("redis://a?deadline=0", "more than 0"),
            ("redis+sentinel://a,b", "the master's name"),
            ("redis+sentinel://a,b/m?tls=maybe", "yes or no"),
            ("redis+sentinel://a,b/m?tls=yes", "needs name="),
            ("redis+sentinel://a,b/m?ca=/ca.pem", "for tls=yes"),
            ("redis://a?tls=yes", "for redis.cluster, redis.sentinel; .* write rediss://"),
            ("redis+cluster://:hush@a,b", "ends with the network's name"),
            ("redis+cluster://:hush@a,b/", "ends with the network's name"),
            ("redis+cluster:///net", "names no host"),
            ("redis+cluster://a,/net", "names no host"),
            ("redis+cluster://a/net/0", "no databases"),
            ("redis+cluster://a/net?db=0", "no databases"),
            ("redis+cluster://a/n{e}t", "without { and }"),
            ("redis+cluster://a/net%7D", "without { and }"),
            ("redis+cluster://a/net?tls=yes", "in a cluster tls=yes needs name="),
            ("redis+cluster://a/net?ca=/ca.pem", "in a cluster ca and name are for tls=yes"),
            ("embedded://folder", "whole path"),
            ("embedded:///", "whole path"),
            ("redis+unix:socket", "whole path"),
        ):
            with self.assertRaisesRegex(StoreError, what) as caught:
                parse_url(url)
            self.assertNotIn("hush", str(caught.exception))

    def test_the_password_is_not_shown(self):
        """Not in a traceback either."""
        self.assertNotIn("hush", repr(parse_url("redis://:hush@store")))
