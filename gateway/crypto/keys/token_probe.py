"""For `doctor`: are the tokens there, and may their PINs be tried?"""

from collections.abc import Iterator, Mapping

from gateway.core.errors import SiteError
from gateway.core.health import Check, Finding, failed, found
from gateway.crypto.keys.checks import check_token_files
from gateway.crypto.keys.sources import KeySource, Pkcs11Key, Token
from gateway.crypto.keys.token_seen import TokenSeen
from gateway.crypto.keys.tokens import TokenHolder


class TokenProbe:
    """Looks at each token without logging in: another look must not cost a try of its PIN.

    In processes of its own, as the vendor's library may do anything. That a PIN is right, only the service finds out.
    """

    check = Check.KEYS

    def __init__(self, keys: Mapping[str, KeySource]) -> None:
        self._tokens: dict[Token, dict[str, Pkcs11Key]] = {}
        for key_id, source in keys.items():
            if isinstance(source, Pkcs11Key):
                self._tokens.setdefault(source.token, {})[key_id] = source

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        return tuple([finding for token, keys in self._tokens.items() for finding in await _look(token, keys)])


async def _look(token: Token, keys: Mapping[str, Pkcs11Key]) -> list[Finding]:
    try:
        check_token_files(token, key_id=token.name)
        seen = await _seen(token, keys)
    except SiteError as error:
        return [failed(Check.KEYS, error)]
    return list(_worries(token, seen)) or [found("probe.keys.token", name=token.name, count=len(keys))]


async def _seen(token: Token, keys: Mapping[str, Pkcs11Key]) -> TokenSeen:
    holder = TokenHolder(token, keys)
    await holder.start()
    try:
        return await holder.look()
    finally:
        await holder.close()


def _worries(token: Token, seen: TokenSeen) -> Iterator[Finding]:
    if seen.few_tries:
        yield found("probe.keys.token_tries", name=token.name)
    if seen.unseen:
        yield found("probe.keys.token_unseen", name=token.name, key=seen.unseen[0], count=len(seen.unseen))
