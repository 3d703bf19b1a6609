"""Independent steps that mostly wait for the kernel or for a small program, taken at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def side_by_side(*steps: Callable[[], object]) -> None:
    """Run all steps, each on a thread; once all have ended, raise the first error."""
    with ThreadPoolExecutor(len(steps)) as pool:
        futures = [pool.submit(step) for step in steps]
    for future in futures:
        future.result()
