"""`fbali completion`: print what makes a shell complete commands, options and ids."""

from typing import Literal

import click

from fbali.cli.command import Verb
from fbali.cli.invocation import Invocation


@click.command("completion", cls=Verb, example="fbali completion bash")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(invocation: Invocation, *, shell: Literal["bash", "zsh", "fish"]) -> None:
    r"""Print the script that makes a shell complete fbali.

    Ids of orders, allocations, stores, vendors and products are asked from the server, for 0.3 s at
    most. Keep it where your shell looks:

    \b
    bash  fbali completion bash > ~/.local/share/bash-completion/completions/fbali
    zsh   fbali completion zsh > a file named _fbali in a folder of your fpath
    fish  fbali completion fish > ~/.config/fish/completions/fbali.fish
    """
    from click.shell_completion import get_completion_class

    variables = {
        "complete_func": "_fbali_completion",
        "complete_var": "_FBALI_COMPLETE",
        "prog_name": "fbali",
    }
    script = get_completion_class(shell).source_template % variables
    if invocation.is_json:
        invocation.answer({"shell": shell, "script": script}, list)
    else:
        click.echo(script)
