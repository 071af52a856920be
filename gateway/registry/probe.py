"""Is the edition in the file the one that is wanted, and may it come into force here?"""

import asyncio
from pathlib import Path
from typing import Final

from gateway.core.activation import Activation
from gateway.core.errors import SiteError
from gateway.core.health import Check, Finding, found
from gateway.core.ids import Digest, GatewayId
from gateway.core.reasons import because
from gateway.registry.edition import load_snapshot


class RegistryProbe:
    """For `doctor`: digest, form, our own entry, and no lower an epoch than was in force before."""

    check: Final = Check.REGISTRY

    def __init__(self, file: Path, *, expected: Digest, own: GatewayId, active: Activation | None) -> None:
        self._file = file
        self._expected = expected
        self._own = own
        self._active = active

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`.

        Raises:
            SiteError: `registry.digest`, `registry.invalid`, `registry.epoch`.
        """
        snapshot = await asyncio.to_thread(load_snapshot, self._file, expected=self._expected)
        if self._own not in snapshot.gateways:
            raise SiteError("registry.invalid", path="gateways", problem=because("not_listed", name=self._own))
        active = self._active
        if active is not None and (
            snapshot.epoch < active.epoch or (snapshot.epoch == active.epoch and snapshot.digest != active.digest)
        ):
            raise SiteError("registry.epoch", epoch=snapshot.epoch, active=active.epoch)
        return (found("probe.registry.good", epoch=snapshot.epoch, count=len(snapshot.bodies)),)
