"""`smppproxy password`: the password line of an account."""

import sys

import click

#: Octets that SMPP 3.4 leaves for a password and a system_id (section 5.2: 9 and 16 with the NUL).
PASSWORD_OCTETS = 8
SYSTEM_ID_OCTETS = 15


@click.command()
@click.argument("system_id", required=False)
def password(system_id: str | None) -> None:
    """Make the password line of an account for the network file.

    Asks twice at a terminal, else reads the first line of standard input. SYSTEM_ID is only for
    the question.

    \b
    smppproxy password shop
    echo sesame | smppproxy password
    """
    import argon2

    secret = _asked(system_id)
    _warn(secret, system_id)
    # Moderate on purpose: after a restart thousands of clients bind within a minute (F46).
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    click.echo(f'password = "{hasher.hash(secret)}"')


def _asked(system_id: str | None) -> bytes:
    if sys.stdin.isatty():
        question = f"Password of {system_id}" if system_id else "Password"
        typed: str = click.prompt(question, hide_input=True, confirmation_prompt=True, err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    if not typed:
        raise click.ClickException("the password is empty")
    return typed.encode()


def _warn(secret: bytes, system_id: str | None) -> None:
    """Limits of the standard that we do not enforce but a client's library may (SX-06)."""
    lengths = [("password", len(secret), PASSWORD_OCTETS)]
    if system_id:
        lengths.append(("system_id", len(system_id.encode()), SYSTEM_ID_OCTETS))
    for what, length, most in lengths:
        if length > most:
            click.echo(
                f"warning: SMPP 3.4 has room for a {what} of {most} octets, this one has {length}; "
                "smppproxy takes it, but some clients cannot send it",
                err=True,
            )
