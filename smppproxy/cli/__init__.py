"""The command `smppproxy`: one group, one file per command or family of commands.

A command imports what it needs when it runs, so that `smppproxy --help` and the small commands
start at once and none of them brings in a reactor that it does not use.

`check`, `demo`, `explain`, `load`, `log`, `password`, `replay`, `show`, `simulate`, `tap` and
`trace` are one command each; `network` has plan, apply, rollback and history, `records` what is
exported and reported, `importing` what other gateways' settings become, `verbs` what is done to
providers, accounts and nodes. `door` is the way to a node for all of them, `tables` how rows are
shown, `pcap` the file that tap writes.
"""

import click

from smppproxy.cli import (
    check,
    demo,
    explain,
    importing,
    load,
    log,
    network,
    password,
    records,
    replay,
    show,
    simulate,
    tap,
    trace,
    verbs,
)


def told_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Say which program this is."""
    if wanted and not context.resilient_parsing:
        from smppproxy.admin.program import NAME, program

        click.echo(f"{NAME} {program()}")
        context.exit()


@click.group("smppproxy", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=told_version,
    help="Release, commit, and whether its part in C is in use.",
)  # fmt: skip
def main() -> None:
    """Everything around the SMPP multiplexing router that is not the server itself.

    The server runs under twistd: twistd -n smppproxy -c etc/smppproxy.toml

    Commands that ask a node find its admin door by the node file (-c, SMPPPROXY_CONFIG), or by
    --admin, SMPPPROXY_ADMIN. Exit status: 0 done, 1 refused or not found, 2 a wrong command line
    or configuration, 3 no node answers.

    \b
    Completion: eval "$(_SMPPPROXY_COMPLETE=bash_source smppproxy)"  in ~/.bashrc
                eval "$(_SMPPPROXY_COMPLETE=zsh_source smppproxy)"   in ~/.zshrc
                _SMPPPROXY_COMPLETE=fish_source smppproxy | source   in ~/.config/fish/config.fish

    \b
    smppproxy show binds                smppproxy explain shop 4512345678
    smppproxy trace 4512345678          smppproxy drain acme/a
    """


for command in (
    check.check,
    demo.demo,
    explain.explain,
    importing.importing,
    load.load,
    log.log,
    *network.COMMANDS,
    password.password,
    records.export,
    records.report,
    replay.replay,
    show.show,
    simulate.simulate,
    tap.tap,
    trace.trace,
    *verbs.COMMANDS,
):
    main.add_command(command)
