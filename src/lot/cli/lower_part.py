"""The part of a screen below what is printed for good: never taller than the screen, its bottom always seen."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment


@dataclass(frozen=True, slots=True)
class LowerPart:
    """What goes on changing, of which the end is shown, above what is shown whole."""

    changing: RenderableType | None
    bottom: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give up the oldest lines where there is no room for all."""
        room = max(1, console.height - 1)
        free = options.update(height=None)
        bottom = console.render_lines(self.bottom, free, pad=False)[-room:]
        left = room - len(bottom)
        changing = console.render_lines(self.changing, free, pad=False) if self.changing is not None and left else []
        for line in [*changing[-left:], *bottom] if left else bottom:
            yield from line
            yield Segment.line()
