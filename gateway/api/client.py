"""The calling side of the office API, for the command line and the demo; an example for other languages, too."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import aiohttp
from aiohttp import hdrs

from gateway.api.client_answers import are_attachments, raise_problem
from gateway.api.client_connection import Headers, Json, OfficeConnection
from gateway.api.client_download import DamagedError, Download, digest_of, forget_part
from gateway.api.client_form import Uploaded, encode_form
from gateway.api.client_paths import attachment_path, content_path, query, step
from gateway.core import large_limits, limits
from gateway.core.content_digest import format_content_digest, parse_content_digest
from gateway.core.errors import RoadError, SenderError

_DOWNLOAD: Final = aiohttp.ClientTimeout(
    sock_read=limits.ANSWER_STALL_SECONDS_MAX, sock_connect=limits.CONNECT_SECONDS_MAX
)
"""A large file may take hours on its line, but not silence."""
RESUME_SECONDS: Final = 1.0
"""After a cut the rest of a file is asked for so soon; twice as late each time that nothing came of it."""


class OfficeClient(OfficeConnection):
    """One connection pool to one gateway with one API key; an async context manager.

    Every call raises `ApiProblem` for an answer that is an error and `RoadError` (`peer.unreachable`) when there was no
    whole answer. A submission may be repeated after either, with the same idempotency key.

    When the gateway says when to come back (429, 503 with `Retry-After`), the call comes back then by itself, as long as its
    patience lasts: any call may be repeated, for a submission carries its idempotency key and an action said twice is one.
    A file whose line is cut goes on where it was.
    """

    async def send(self, metadata: Mapping[str, Any], files: Sequence[Path], idempotency_key: str) -> Json:
        """Hand a document in; returns it once the gateway has it on disk. The first file is the document itself.

        A file above the usual bound goes up in pieces first; after a `RoadError` call again, and it goes on where it was.
        """
        contents: list[tuple[str, bytes | Path]] = []
        for path in files:
            large = (await asyncio.to_thread(path.stat)).st_size > limits.FILE_BYTES_MAX
            contents.append((path.name, path if large else await asyncio.to_thread(path.read_bytes)))
        return await self.send_contents(metadata, contents, idempotency_key)

    async def upload(self, path: Path, idempotency_key: str) -> Uploaded:
        """Bring a file up in pieces, from where it stands; for a part `upload` of a submission.

        The same key and the same file after a `RoadError`: it goes on.

        Raises:
            SenderError: `upload.digest`: the file was changed while it was sent.
        """
        size, digest = await asyncio.to_thread(_measured, path)
        body = json.dumps({"size": size, "sha256": digest}).encode()
        headers: Headers = {hdrs.CONTENT_TYPE: "application/json", "Idempotency-Key": idempotency_key}
        stands = await self._json(hdrs.METH_POST, "/uploads", headers=headers, data=body)
        file = await asyncio.to_thread(path.open, "rb")
        try:
            while (offset := int(stands["offset"])) < size:
                piece = await asyncio.to_thread(_piece, file, offset)
                headers = {hdrs.CONTENT_TYPE: "application/octet-stream", "Upload-Offset": str(offset)}
                place = f"/uploads/{step(stands['upload'])}"
                stands = await self._json(hdrs.METH_PATCH, place, headers=headers, data=piece)
                if int(stands["offset"]) <= offset:  # the file has become shorter meanwhile: there is no more to send
                    raise SenderError("upload.digest")
        finally:
            await asyncio.to_thread(file.close)
        return Uploaded(str(stands["upload"]))

    async def send_contents(
        self, metadata: Mapping[str, Any], files: Sequence[tuple[str, bytes | Path]], idempotency_key: str
    ) -> Json:
        """The same with (name, bytes) instead of files; those that stay files go up in pieces first."""
        key = hashlib.sha256(idempotency_key.encode()).hexdigest()  # whatever its length, there is room for a number
        contents = [
            (name, await self.upload(one, f"{key}/{number}") if isinstance(one, Path) else one)
            for number, (name, one) in enumerate(files, 1)
        ]
        content_type, body = encode_form(metadata, contents)
        headers: Headers = {
            hdrs.CONTENT_TYPE: content_type,
            "Idempotency-Key": idempotency_key,
            "Content-Digest": format_content_digest(hashlib.sha256(body).digest()),
        }
        return await self._json(hdrs.METH_POST, "/documents", headers=headers, data=body)

    async def send_envelope(self, envelope: bytes, idempotency_key: str) -> Json:
        """Hand in a finished edXML file, signed by the sender's transport key; it is carried as it is."""
        headers: Headers = {
            hdrs.CONTENT_TYPE: "application/xml",
            "Idempotency-Key": idempotency_key,
            "Content-Digest": format_content_digest(hashlib.sha256(envelope).digest()),
        }
        return await self._json(hdrs.METH_POST, "/documents", headers=headers, data=envelope)

    async def document(self, key: str) -> Json:
        """An outgoing document and the count of its deliveries by state."""
        return await self._json(hdrs.METH_GET, f"/documents/{step(key)}")

    async def release(self, key: str) -> Json:
        """Let a held document, or its held transfers, go on."""
        return await self._json(hdrs.METH_POST, f"/documents/{step(key)}:release")

    async def documents(self, *, state: str = "", cursor: str = "", limit: int = limits.PAGE_ROWS_DEFAULT) -> Json:
        """A page of outgoing documents, newest first: `items`, `more`, `next`."""
        return await self._json(hdrs.METH_GET, "/documents" + query(state=state, cursor=cursor, limit=limit))

    async def deliveries(self, key: str) -> list[Json]:
        """The deliveries of an outgoing document, all of them."""
        return await self._whole(f"/documents/{step(key)}/deliveries")

    async def notices(self, key: str) -> list[Json]:
        """Signed notices of what of an outgoing document did not arrive in time, all of them."""
        return await self._whole(f"/documents/{step(key)}/notices")

    async def history(self, key: str) -> list[Json]:
        """The story of an outgoing document, all of it."""
        return await self._whole(f"/documents/{step(key)}/history")

    async def inbox(self, after: int = 0, limit: int = limits.PAGE_ROWS_DEFAULT) -> Json:
        """A page of the inbox: `entries`, `more`, and the number after which to go on, `next_after`."""
        page = await self._json(hdrs.METH_GET, "/inbox" + query(after=after, limit=limit))
        return {"entries": page["items"], "next_after": int(page["next"]), "more": page["more"]}

    async def events(self, after: int = -1, *, limit: int = limits.PAGE_ROWS_DEFAULT, wait: int = 0) -> Json:
        """A page of the change feed: `items`, `more`, `next`; waits up to `wait` seconds for the first of them."""
        return await self._json(hdrs.METH_GET, "/events" + query(after=after, limit=limit, wait=wait))

    async def entry(self, key: str) -> Json:
        """One document that arrived; its attached files are counted from 1, each once."""
        entry = await self._json(hdrs.METH_GET, f"/inbox/{step(key)}")
        if not are_attachments(entry.get("attachments")):
            raise RoadError("peer.unreachable", peer=self._base.authority, why="attachments")
        return entry

    async def entry_history(self, key: str) -> list[Json]:
        """The story of a document that arrived, all of it."""
        return await self._whole(f"/inbox/{step(key)}/history")

    async def accept(self, key: str) -> Json:
        """Tiếp nhận."""
        return await self._json(hdrs.METH_POST, f"/inbox/{step(key)}:accept")

    async def refuse(self, key: str, reason: str) -> Json:
        """Từ chối tiếp nhận, with the reason for the sender."""
        return await self._say(f"/inbox/{step(key)}:refuse", reason=reason)

    async def recall(self, key: str, reason: str) -> Json:
        """Thu hồi: stop what has not left, ask everybody else."""
        return await self._say(f"/documents/{step(key)}:recall", reason=reason)

    async def agree(self, key: str, *, forwarded: bool) -> Json:
        """Đồng ý lấy lại, cập nhật."""
        return await self._say(f"/inbox/{step(key)}:agree", forwarded=forwarded)

    async def decline(self, key: str, reason: str, *, forwarded: bool) -> Json:
        """Từ chối lấy lại, cập nhật, with the reason for the sender."""
        return await self._say(f"/inbox/{step(key)}:decline", reason=reason, forwarded=forwarded)

    async def organization(self, organ_id: str) -> Json:
        """A body of the registry."""
        return await self._json(hdrs.METH_GET, f"/organizations/{step(organ_id)}")

    async def organizations(self, text: str, *, cursor: str = "", limit: int = limits.PAGE_ROWS_DEFAULT) -> Json:
        """A page of the bodies whose code or name holds the text: `items`, `more`, `next`."""
        return await self._json(hdrs.METH_GET, "/organizations" + query(text=text, cursor=cursor, limit=limit))

    async def me(self) -> Json:
        """Who this key is and what it may do."""
        return await self._json(hdrs.METH_GET, "/me")

    async def content(self, key: str, path: Path, *, new: bool = False) -> int:
        """Save the edXML file of a document that arrived; how many bytes it has. `new`: not over a file that is there.

        Raises:
            FileExistsError: there is one, also when it came while this one was under way.
        """
        return await self._save(content_path(key), path, new=new)

    async def sent_attachment(self, key: str, position: int, path: Path, *, archive: bool = False) -> int:
        """Save one file of an outgoing document, counted from 1; `archive`: with the timestamp that was owed to it."""
        asked = query(copy="archive") if archive else ""
        return await self._save(f"/documents/{step(key)}/attachments/{position}{asked}", path)

    async def attachment(self, key: str, position: int, path: Path, *, new: bool = False) -> int:
        """Save one attached file, counted from 1, as `content` does."""
        return await self._save(attachment_path(key, position), path, new=new)

    async def is_saved(self, key: str, position: int, path: Path) -> bool:
        """Whether that file is the one already that would be saved there: an attached one, or (0) the edXML file."""
        announced = await self._announced(attachment_path(key, position) if position else content_path(key))
        digest = parse_content_digest(announced.get("Content-Digest", ""))
        if digest is None or digest != await asyncio.to_thread(digest_of, path):
            return False
        await asyncio.to_thread(forget_part, path, announced.get(hdrs.ETAG, ""))
        return True

    async def _save(self, path: str, target: Path, *, new: bool = False) -> int:
        download = Download(target, new=new)
        try:
            for may_be_stale in (await self._resume(path, download), False):
                try:
                    await self._patiently(lambda: self._fetch(path, download))
                except DamagedError:
                    await download.drop()
                    if not may_be_stale:
                        raise
                else:
                    break
            return await download.finish()
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            raise self._road(error) from error
        finally:
            await download.leave()

    async def _resume(self, path: str, download: Download) -> bool:
        """Take up what a client that was killed, or lost its patience, has left of it; whether there was something."""
        if await asyncio.to_thread(download.has_leftovers):
            await download.resume(await self._announced(path))
        return download.size > 0

    async def _announced(self, path: str) -> Mapping[str, str]:
        """What a file is. Where that is not said, the answer to GET tells why: that to HEAD has no words."""
        return await self._patiently(lambda: self._ask_what(path))

    async def _ask_what(self, path: str) -> Mapping[str, str]:
        try:
            for method in (hdrs.METH_HEAD, hdrs.METH_GET):
                async with self._opened().request(
                    method, self._url(path), allow_redirects=False, server_hostname=self._tls_name
                ) as response:
                    if response.status == 200:
                        return response.headers
                    if method == hdrs.METH_GET:
                        await raise_problem(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise self._road(error) from error
        return {}

    async def _fetch(self, path: str, download: Download) -> None:
        """A file; where the line is cut, the rest, as long as answers bring something or the patience lasts."""
        left, pause, most = self._patience.seconds, RESUME_SECONDS, download.size
        while not download.is_whole:
            try:
                async with self._opened().get(
                    self._url(path),
                    headers=download.asking(),
                    allow_redirects=False,
                    server_hostname=self._tls_name,
                    timeout=_DOWNLOAD,
                ) as response:
                    download.check(response)
                    await raise_problem(response)
                    await download.take(response)
                    return
            except (aiohttp.ClientSSLError, DamagedError):
                raise
            except (aiohttp.ClientError, TimeoutError):
                if download.size >= most + limits.CHUNK_BYTES:  # than ever before: some begin anew each time
                    left, pause, most = self._patience.seconds, RESUME_SECONDS, download.size
                if download.was_cut_at_its_end():
                    return
                if not download.is_begun or pause > left:
                    raise
            await self._patience.clock.sleep(pause)
            left, pause = left - pause, 2 * pause


def _measured(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _piece(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(large_limits.UPLOAD_PIECE_BYTES)
