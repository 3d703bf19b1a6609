"""`lot sizes`: what sandboxes may use."""

import typer

from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import byte_size, out, plain, print_json, table


def sizes(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """List the sizes that sandboxes can have, and what a second of each counts."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        listed = client.list_sizes()
    if shared.as_json:
        return print_json(listed)
    grid = table("SIZE", "VCPU", "MEMORY", "COMPUTE UNITS/S")
    for size in listed:
        grid.add_row(plain(size.name), str(size.cpus), byte_size(size.memory_bytes), f"{size.compute_units:g}")
    return out.print(grid)
