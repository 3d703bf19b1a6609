"""Task groups raise their errors in groups; whoever handles an error by its class wants the one that began it."""


def first_error(error: BaseException) -> BaseException:
    """Return the first error of a group of groups; an error that is none is returned itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
