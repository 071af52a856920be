"""What a target raises when something does not hold that must."""


class DisagreementError(AssertionError):
    """Something that must hold does not."""


def check(holds: bool, otherwise: str) -> None:
    """Insist.

    Raises:
        DisagreementError: it does not hold.
    """
    if not holds:
        raise DisagreementError(otherwise)
