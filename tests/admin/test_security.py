"""The door and its secrets: every operation is walked, and what nobody may read is looked for."""

from __future__ import annotations

import re
from typing import Any

from twisted.logger import eventAsText

from smppproxy.admin.api import OPERATIONS, PREFIX
from smppproxy.admin.catalogue import VIEWS
from smppproxy.words import ROLES
from tests.support.doors import TOKENS, DoorCase, Reply, ask, asynchronous
from tests.support.nodes import HASHER

LEAST = {"read": None, "operate": "read", "admin": "operate:alice"}
"""A token that is too small for an operation of this role."""

OF = {"read": "read", "operate": "operate:alice", "admin": "admin"}


class AuthorizationTests(DoorCase):
    """A role per operation, none forgotten."""

    async def told(self, url: str, path: str, method: str, header: str = "") -> Reply:
        """One request without parameters."""
        headers = {"authorization": header} if header else {}
        where = re.sub(r"{\w+}", "1", PREFIX + path).lstrip("/")
        body: Any = {} if method == "POST" else None
        return await ask(url, where, body, headers=headers, method=method)

    @asynchronous
    async def test_every_operation_wants_its_role(self) -> None:
        """Without a token, with a wrong one or half of one: 401. With the role below: 403."""
        self.write_network(self.provider("a"))
        _, url = self.with_port()
        half = "Bearer " + TOKENS["admin"].decode()[:-1]
        for (path, method), operation in OPERATIONS.items():
            for header in ("", "Bearer wrong-wrong-wrong-wrong", half, "Basic eDp5", "Bearer "):
                reply = await self.told(url, path, method, header)
                self.assertEqual(reply.status, 401, f"{method} {path} with {header!r}")
            smaller = LEAST[operation.role]
            if smaller:
                header = "Bearer " + TOKENS[smaller].decode()
                reply = await self.told(url, path, method, header)
                self.assertEqual(reply.status, 403, f"{method} {path} as {smaller}")

    def test_roles_of_what_is_done(self) -> None:
        """Whoever may only read can neither change the network nor what is wanted of anything."""
        roles = {key: operation.role for key, operation in OPERATIONS.items()}
        self.assertEqual(set(roles.values()), set(ROLES))
        for (path, method), role in roles.items():
            changes = method == "POST" and not path.startswith("/network/plan")
            self.assertTrue(role != "read" or not changes, f"{method} {path} is for role {role}")


class SecretTests(DoorCase):
    """What is secret is in no answer, no metric, no log and no repr."""

    PROVIDER = "pr0vider-secret"
    ACCOUNT = "acc0unt-secret"

    @asynchronous
    async def test_secrets_are_in_no_answer(self) -> None:
        """Every view and document, as admin, after traffic, a wrong bind and a reload."""
        events = self.logged()
        smsc = self.provider("a", accounts={b"node": self.PROVIDER.encode()})
        self.write_network(smsc)
        text = self.network_file.read_text()
        stored = HASHER.hash(self.ACCOUNT)
        text = text.replace('password = "secret"', f'password = "{self.PROVIDER}"')
        text += f'\n[account.closed]\npassword = "{stored}"\nsecond_password = "{stored}"\n'
        self.network_file.write_text(text)
        node, url = self.with_port()
        await self.wait(lambda: any(bind.state == "Bound" for bind in node.binds()), "bound")
        esme = self.client(node, count=10)
        await self.wait(lambda: esme.done, "traffic")
        wrong = self.client(node, password=b"wr0ng-secret", count=1)
        await self.wait(lambda: node.relay.ledger.events["bind_refused"] > 0, "refused")
        await wrong.stop()
        await node.reload()
        pages = [f"{PREFIX}/show/{view}" for view in VIEWS]
        pages += [f"{PREFIX}/show/config?name={name}" for name in ("closed", "acme", "account")]
        pages += [
            PREFIX + path
            for (path, method) in OPERATIONS
            if method == "GET" and "{" not in path and not path.startswith(("/tap", "/show"))
        ]
        told: list[tuple[str, bytes]] = []
        for page in [*pages, "/metrics", "/ledger", "/livez", "/readyz"]:
            reply = await ask(url, page.lstrip("/"), token="admin")
            self.assertLess(reply.status, 500, page)
            told.append((page, reply.body))
        self.assertGreater(len(told), 15)
        told.append(("the log", "\n".join(_both(event) for event in events).encode()))
        told.append(("a repr", f"{node.node!r} {node.network!r} {node.network.providers}".encode()))
        secrets = [self.PROVIDER, self.ACCOUNT, "wr0ng-secret", stored, stored[-20:]]
        secrets += [token.decode() for token in TOKENS.values()]
        for where, octets in told:
            for secret in secrets:
                for form in (secret.encode(), secret.encode().hex().encode()):
                    self.assertNotIn(form, octets, f"{secret} in {where}")


def _both(event: Any) -> str:
    """An event as a log would have it, text and all fields."""
    return eventAsText(event) + repr(event)
