"""Asks on a terminal, one by one, what is to become of products that no vendor hosts."""

from collections.abc import Iterator, Sequence

import click

from fbali.cli.placement_choices import Choice
from fbali.cli.terminal_text import neutral
from fbali.v1.product_pb2 import Product
from fbali.v1.vendor_pb2 import Partnership

_DONE, _WAIT, _STOP = "d", "w", "s"


def ask_choices(products: Sequence[Product], vendors: Sequence[Partnership]) -> Iterator[Choice]:
    """Give the choices that are made; a product that is left waiting gives none."""
    for number, product in enumerate(products, start=1):
        _say(f"\n{number} of {len(products)}: {_described(product)}")
        answer = _ask_answer(vendors, is_last=number == len(products))
        if answer == _STOP:
            return
        if answer == _DONE:
            yield Choice(product.name)
        elif answer != _WAIT:
            vendor = vendors[int(answer) - 1]
            question = f"Remember {vendor.vendor_display_name} as its vendor for later orders?"
            remember = click.confirm(neutral(question), err=True)
            yield Choice(product.name, vendor.vendor, remember=remember)


def _ask_answer(vendors: Sequence[Partnership], *, is_last: bool) -> str:
    ways = {str(number): one.vendor_display_name for number, one in enumerate(vendors, start=1)}
    ways |= {_DONE: "Done: nobody processes it", _WAIT: "leave it waiting"}
    if not is_last:
        ways[_STOP] = "leave it and all that follow waiting"
    width = max(map(len, ways))
    for key, meaning in ways.items():
        _say(f"  {key.rjust(width)}  {meaning}")
    kind = click.Choice(list(ways), case_sensitive=False)
    answer: str = click.prompt("Choose", type=kind, default=_WAIT, show_choices=False, err=True)
    return answer


def _described(product: Product) -> str:
    facts = [f"SKU {product.sku}" if product.sku else "", product.name.rpartition("/")[2]]
    if product.waiting_unit_count:
        facts.append(f"{product.waiting_unit_count} units wait")
    return f"{product.title} ({', '.join(filter(None, facts))})"


def _say(line: str) -> None:
    text = line.removeprefix("\n")
    click.echo("\n" * (len(line) - len(text)) + neutral(text), err=True)
