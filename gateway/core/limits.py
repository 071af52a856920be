"""Every bound of the gateway, with its unit in its name and its reason beside it; relations are asserted on import.

A limit that a user can meet is reported by its name (`size.limit` with the number and the unit). Three kinds stand in files of
their own: `patience` (days and waits of deliveries, queues and roads), `large_limits`, `restore_limits`.
"""

from typing import Final

from gateway.core.patience import DELIVERY_DEADLINE_DAYS_MAX, DELIVERY_DEADLINE_DAYS_MIN

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

# --- documents -------------------------------------------------------------------------------------------------------
FILE_BYTES_MAX: Final = 7 * MIB
"""One attached file, unless the operator allows larger ones."""
FILES_MAX: Final = 20
DOCUMENT_BYTES_MAX: Final = 20 * MIB
"""All files of one document together, before base64; unless the operator allows more."""
ENVELOPE_BYTES_MAX: Final = 30 * MIB
"""An edXML file: the files in base64 (4/3), the header with every recipient, the signature."""
RECIPIENTS_MAX: Final = 1_000
FILE_NAME_CHARS_MAX: Final = 255
IDEMPOTENCY_KEY_CHARS_MAX: Final = 128
REASON_CHARS_MAX: Final = 500
ANSWER_WORDS_CHARS_MAX: Final = 400
"""Of an answer to a recall: behind it stands how far the document had come, and both are one field of the regulation's 500."""
RECALLS_PER_UNIT: Final = 20
"""Recipients who are asked in one transaction: each is a message, two rows, a work item and two leaves, 0.5 ms in all."""

# --- field lengths of QCVN 102:2016/BTTTT (facts 1.2-1.5) --------------------------------------------------------------
ORGAN_ID_CHARS_MAX: Final = 35
CODE_NUMBER_CHARS_MAX: Final = 11
CODE_NOTATION_CHARS_MAX: Final = 30
ANSWERED_CODE_CHARS_MAX: Final = CODE_NUMBER_CHARS_MAX + 1 + CODE_NOTATION_CHARS_MAX
"""Number, what stands between, and notation: as a message names the document that it answers."""
PLACE_CHARS_MAX: Final = 50
TYPE_NAME_CHARS_MAX: Final = 100
SUBJECT_CHARS_MAX: Final = 500
CONTENT_CHARS_MAX: Final = 500
ATTACHMENT_NAME_CHARS_MAX: Final = 500
DOCUMENT_ID_CHARS_MAX: Final = 200
ORGAN_NAME_CHARS_MAX: Final = 200
ORGAN_IN_CHARGE_CHARS_MAX: Final = 500
ORGAN_ADDRESS_CHARS_MAX: Final = 500
EMAIL_CHARS_MAX: Final = 100
TELEPHONE_CHARS_MAX: Final = 20
"""Telephone and fax."""
WEBSITE_CHARS_MAX: Final = 100
COMPETENCE_CHARS_MAX: Final = 100
POSITION_CHARS_MAX: Final = 100
FULL_NAME_CHARS_MAX: Final = 50
DEPARTMENT_CHARS_MAX: Final = 200
LOCAL_ID_CHARS_MAX: Final = 100
"""A sender's own number for a department, a person or a task."""
TO_PLACE_CHARS_MAX: Final = 150
SPHERE_CHARS_MAX: Final = 100
TYPIST_CHARS_MAX: Final = 10
APPENDIX_CHARS_MAX: Final = 500
REFERENCES_CHARS_MAX: Final = 500
"""A list of other documents that is one text (the vendor's `ReplyFors` and `ReferenceCodes`)."""
APPLICATION_TYPE_CHARS_MAX: Final = 100
BUSINESS_REASON_CHARS_MAX: Final = 500
PAPER_DAYS_AHEAD: Final = 1
"""A paper is not promulgated after the day on which it is handed in; a day for clocks that differ."""
PAPER_YEAR_MIN: Final = 1930
"""Older than any office that can send: the year in which the Party was founded."""
RESPONSES_MAX: Final = 100
"""Documents that one message answers."""
AMENDED_DOCUMENTS_MAX: Final = 5
"""Earlier documents that one document recalls, updates or replaces. The regulation's list has room for a hundred; each of
them is a row and a leaf for each of a thousand recipients, in one transaction."""
LIST_MAX: Final = 100
"""Entries of any other list of a header: places, appendixes, tasks, staff, documents replaced."""
SEAL_SLIP_BYTES_MAX: Final = MIB
"""A thousand recipients, the files and the signature take a fifth of it."""
TRACE_HEADERS_MAX: Final = 100
"""Hubs that an envelope has passed: each adds one."""
HEADER_TEXT_CHARS_MAX: Final = 4_000
"""Any one text of a header we read: the lengths above bind what we write, senders in the field do not keep them."""

# --- XML ---------------------------------------------------------------------------------------------------------------
XML_DEPTH_MAX: Final = 64
XML_NODES_MAX: Final = 200_000
XML_ATTRIBUTES_MAX: Final = 64
"""Attributes of one element."""
XML_NAMESPACE_CHARS_MAX: Final = 256
"""Exclusive canonicalisation writes a namespace anew into each element that uses it: one of 100 KB, used 150,000 times, is
15 GB. Real ones have under a hundred."""
MARKUP_BYTES_MAX: Final = 8 * MIB
"""An edXML file without the base64 of its attachments: a thousand recipients with every field full are under 4 MiB."""
ENVELOPE_PIECE_BYTES: Final = 256 * KIB
"""What an edXML file on disk is read by: with 64 KiB each call of the kernel in between made decoding up to twice as slow."""
PAYLOADS_MAX: Final = 1_000
"""Attachments that are cut out of one file: FILES_MAX is told with more of an explanation, later."""
REPORT_FILES_MAX: Final = 100
"""Of one verification report: with one signature each, three hundred pages of PDF. More is for a program, with `--json`."""
REPORT_SIGNATURES_MAX: Final = 300
"""Of one report that is drawn: 40 ms of the PDF library's time each (27 ms a page), and nobody reads so many."""
HAND_FILE_BYTES_MAX: Final = 2 * GIB
"""One attachment, for a command whose user chose the file himself: it goes through in pieces."""
HAND_ENVELOPE_BYTES_MAX: Final = 4 * GIB

# --- archives (security.md C2) ------------------------------------------------------------------------------------------
ARCHIVE_ENTRIES_MAX: Final = 1_000
"""Entries of a ZIP that are looked at, to see whether it is an office file or wraps a single one; real ones have
under a hundred."""
ARCHIVE_DIRECTORY_BYTES_MAX: Final = 1 * MIB
"""Its central directory: that many entries with names of a thousand bytes."""
ARCHIVE_RATIO_MAX: Final = 100
"""How often its size in the archive a file may be: text and tables stay under twenty, only bombs come near deflate's 1,032."""
ARCHIVE_RATIO_FREE_BYTES: Final = 256 * KIB
"""... beyond this size: a short text of one line repeated is no bomb, and harms nobody."""

# --- HTTP --------------------------------------------------------------------------------------------------------------
REQUEST_BYTES_MAX: Final = DOCUMENT_BYTES_MAX + MIB
METADATA_BYTES_MAX: Final = 256 * KIB
SLIP_BYTES_MAX: Final = 512 * KIB
"""The first line of a transfer: who, what, and every recipient with its sequence number."""
RECEIPT_BYTES_MAX: Final = 4 * MIB
HEADER_BYTES_MAX: Final = 16 * KIB
ADMIN_CONNECTIONS_MAX: Final = 32
"""Open connections of the operator's listener: anybody on this machine may ask, nobody may take every descriptor."""
STRANGERS_MAX: Final = 500
"""Open connections of one listener that have not shown a good credential, unfinished handshakes included: beyond it the
oldest of them is closed. With eight addresses that connect as fast as they may (`CONNECTIONS_PER_MINUTE`) a stranger keeps his
place for more than a second: time for a handshake and a first request."""
CONNECTIONS_MAX: Final = 500
"""Open connections of one listener that have shown one, idle ones included: a TLS connection costs about 270 KB (measured).
Further ones are served, but count among the strangers."""
CONNECTIONS_PER_PRINCIPAL: Final = 64
"""Those of one principal or gateway: twice what is served at once, and a gateway needs `WINDOW_MAX`."""
SOCKETS_MAX: Final = STRANGERS_MAX + CONNECTIONS_MAX
"""Accepted sockets of one listener: file descriptors are shared with the database."""
DESCRIPTORS_ELSEWHERE: Final = 512
"""Descriptors beside the listeners': database, blobs being read and written, connections to peers, worker processes."""
DESCRIPTORS_MIN: Final = 2 * SOCKETS_MAX + ADMIN_CONNECTIONS_MAX + DESCRIPTORS_ELSEWHERE
"""What the limits on connections need of RLIMIT_NOFILE: two listeners for others, the operator's, and the rest."""
CONNECTIONS_PER_ADDRESS: Final = 64
"""Default share of one address among the strangers: beyond it the oldest of that address is closed."""
CONNECTIONS_PER_MINUTE: Final = 3_000
CONNECTIONS_BURST: Final = 200
"""Default for new connections of one address: 50 handshakes a second are about 5 % of a core."""
HANDSHAKE_SECONDS_MAX: Final = 10.0
"""A connection whose TLS handshake is not done by then is cut; asyncio would wait for 60 s."""
REQUESTS_PER_MINUTE: Final = 3_000
REQUESTS_BURST: Final = 200
"""Defaults for one key or certificate: 50 a second for as long as it likes, 200 at once."""
ADDRESS_REQUESTS_PER_MINUTE: Final = 4 * REQUESTS_PER_MINUTE
ADDRESS_REQUESTS_BURST: Final = 4 * REQUESTS_BURST
"""Defaults for one address: several systems may stand behind it."""
FAILURES_PER_MINUTE: Final = 30
FAILURES_BURST: Final = 30
"""Defaults for failed authentications from one address, before it hears 429 instead of 401."""
REQUESTS_AT_ONCE: Final = 32
"""Default: requests of one key or certificate being served at the same time, long polls included."""
GIB_PER_DAY: Final = 20
"""Default for what one key or certificate hands in: a thousand documents of the largest size, ten times what the busiest
office of a city sends, and no disk is filled by it overnight."""
GIB_PER_DAY_MAX: Final = 1024
ADDRESS_RANGES_MAX: Final = 64
"""Ranges in one credential's list: they are tried one by one (about 1 µs each)."""
BUCKETS_MAX: Final = 20_000
"""Callers that are counted one by one; a bucket is one number (about 200 bytes with its name)."""
BODY_IDLE_SECONDS_MAX: Final = 30.0
"""A body that brings nothing for this long is cut."""
BODY_SECONDS_MAX: Final = 300.0
HEAD_SECONDS_MAX: Final = 20.0
"""From the opening of a connection to the end of its first request's head, and from the first byte of a later head to its
end: who trickles it in is cut."""
TLS_CLOSE_SECONDS_MAX: Final = 5.0
"""A connection that we close waits this long for the other side's close_notify; asyncio would wait for 30 s."""
ANSWER_STALL_SECONDS_MAX: Final = 60.0
"""An answer that waits this long for its reader is cut. To go on, a reader takes what overfills our buffers (384 KiB with
TLS) in that time: 6.4 KiB a second, less than any line has that carries documents. So 30 MiB hold a file and a connection
for 80 minutes at most, and not for ever."""
EVENTS_POLL_SECONDS_MAX: Final = 30
"""How long a caller of the office API may let a request for events wait: half of what proxies commonly bear."""
SEARCH_TEXT_CHARS_MAX: Final = 100
PAGE_ROWS_MAX: Final = 200
PAGE_ROWS_DEFAULT: Final = 50
CHUNK_BYTES: Final = 64 * KIB
EVENT_WAITERS_MAX: Final = 250
"""Callers who wait for events at a time: half of the connections stay for those who work."""
EVENT_WAITERS_PER_KEY_MAX: Final = 20
"""... and those of one API key: one program in a loop takes nobody else's place."""
EVENTS_CROWDED_SECONDS: Final = 10
"""Who finds no place is told to come back then: a place is free after `EVENTS_POLL_SECONDS_MAX` at most, and a thousand
callers who come back that often are a hundred cheap requests a second."""
FEED_WINDOW_LEAVES_FIRST: Final = 1_024
"""Events of many bodies are looked for in so many leaves at first, then in twice as many ..."""
FEED_WINDOW_LEAVES_MAX: Final = 65_536
"""... up to so many: the rows that one statement merges."""
FEED_LOOKS_MAX: Final = 32
"""Windows of one page: about two million leaves, most of them nobody's of the asker."""

# --- PDF and certificates ----------------------------------------------------------------------------------------------
PDF_SIGNATURES_MAX: Final = 20
PDF_PAGES_MAX: Final = 5_000
"""Pages that are looked through for a place to sign: ten books, or what FILE_BYTES_MAX holds of scans many times over."""
PICTURE_BYTES_MAX: Final = 2 * MIB
"""A picture of a seal or of a hand signature (PNG): real ones have under 200 KB."""
PICTURE_PIXELS_MAX: Final = 4_000_000
"""4 cm at 1,200 dpi have 3.6 million."""
SHOWN_TEXT_CHARS_MAX: Final = 300
"""Any one text that a signature shows: the longest name of a body has 200."""
ADDED_FIELD_PAGE_PERCENT_MAX: Final = 10
"""Of a page, under one field that comes to a signed PDF: 62 cm² of A4. What Decree 30/2020, annex I asks for is smaller: the
picture of a hand signature 8 by 4 cm (32), a seal in true size (round, 36 to 42 mm: 18), five lines of text 12 cm wide (25)."""
ADDED_FIELDS_PAGE_PERCENT_MAX: Final = 25
"""... and under all of them together: 156 cm² of A4, room for three persons and three bodies who sign one document."""
EMBEDDED_CERTIFICATES_MAX: Final = 12
"""Path building is factorial in same-subject certificates (signing.md 1.2 C): more than this is refused unread."""
EMBEDDED_CERTIFICATES_PER_SUBJECT_MAX: Final = 3
EMBEDDED_EVIDENCE_MAX: Final = 64
"""CRLs and OCSP responses that came along with one signature: each is verified for each certificate of the path. An archive
signature that was renewed for thirty years has about as many."""
SIGNATURE_TIMESTAMPS_MAX: Final = 4
"""Timestamps that an XML signature carries upon its value: two authorities, each asked twice. They are outside of what is
signed, so anybody on the way can add some, and each costs a judge a path."""
RSA_BITS_MIN: Final = 2048
PDF_REVISIONS_MAX: Final = 200
"""Every signature, timestamp and set of evidence is one, and programs save on the way; reading 20,000 takes two seconds."""
REVOCATION_LIST_BYTES_MAX: Final = 32 * MIB
"""One revocation list of our own store, fetched or in a file: 760,000 certificates with serial numbers of 12 bytes and a
reason, walked in half a second. What strangers bring along has `EVIDENCE_BYTES_MAX`."""
REVOCATION_LISTS_BYTES_MAX: Final = 96 * MIB
"""... and all of them together: a judge holds those of four reloads (`processes.shared`)."""
OCSP_RESPONSES_BYTES_MAX: Final = 16 * MIB
"""All OCSP responses of our own store: 2 to 10 KB each, and a folder has 200 files at most."""
EVIDENCE_ITEMS_MAX: Final = 64
"""Certificates, revocation lists and OCSP responses of one document security store, each by themselves: three signers with two
authorities each need a dozen."""
EVIDENCE_BYTES_MAX: Final = 4 * MIB
"""... and all of them together, decoded: a large authority's revocation list is under one MiB."""
EVIDENCE_INFLATED_BYTES_MAX: Final = 8 * EVIDENCE_BYTES_MAX
"""What a judge inflates of the security stores of all revisions of one PDF, and keeps: 300 KB can become 300 MB (2.2 s and
595 MB of memory, measured). A full store under each of eight archive timestamps; beyond it nobody can judge the file."""
PDF_OBJECTS_BYTES_MAX: Final = 16 * MIB
"""A cross-reference stream, unpacked: a million objects; FILE_BYTES_MAX has room for a tenth of them."""
ARCHIVE_PROOFS_MAX: Final = 3
"""Archive timestamps by which one signature is looked at in the past: the oldest three; each costs a certificate path."""
DETACHED_SIGNATURE_BYTES_MAX: Final = FILE_BYTES_MAX
"""A .p7s is a few KB; a .p7m holds its content and stands in the memory of a judge."""
DETACHED_SIGNERS_MAX: Final = 20
"""SignerInfos of one CMS, each judged by itself: as many as a PDF may have signatures."""
DETACHED_CONTENT_BYTES_MAX: Final = 4 * GIB
"""A file that is signed or verified beside its signature: hashed in pieces; so large is what one disk image may be."""
TIMESTAMP_BYTES_MAX: Final = 64 * KIB
"""One token (RFC 3161) with its chain: 3 to 8 KB in practice."""
TIMESTAMP_ROOM_BYTES: Final = 12 * KIB
"""What a PDF leaves room for, in hexadecimal, whatever the token will have: one that is larger does not fit."""

# --- worker processes --------------------------------------------------------------------------------------------------
JUDGE_CPU_SECONDS_MAX: Final = 10
JUDGE_WALL_SECONDS_MAX: Final = 20.0
JUDGE_MEMORY_BYTES_MAX: Final = 1024 * MIB
WORKER_QUEUE_MAX: Final = 256
"""Tasks waiting for a worker process of one pool; a full queue refuses with `worker.busy`."""
WORKER_SHARE_MAX: Final = 64
"""... and those of one body, key or peer: all our own work at a time, so that no step is refused, and no more."""
WORKER_SLOW_SECONDS: Final = 0.5
"""A share whose last task took longer leaves the last free process of a pool to the others: a file takes milliseconds."""
WORKER_ANSWER_BYTES_MAX: Final = 64 * MIB
"""An answer of a judge: at most a sealed PDF, or everything that was read from an envelope."""
HOLDER_WALL_SECONDS_MAX: Final = 10.0
TOKEN_WALL_SECONDS_MAX: Final = 20.0
"""... and one of a token: a network HSM that is asked first needs seconds for its library, its slots and the login."""
SECRET_BYTES_MAX: Final = 1 * KIB
"""A password or a PIN with the end of its line. Tokens take 4 to 255 bytes, OpenSSL 1,023."""
HOLDER_SIGN_BYTES_MAX: Final = 2 * MIB
"""A key-holder signs SignedInfo, CMS attributes and the like: small by nature."""

# --- malware scanner ---------------------------------------------------------------------------------------------------
SCAN_BYTES_DEFAULT: Final = 25 * MIB
"""Files that the scanner is shown: StreamMaxLength of Debian's clamd.conf."""
SCAN_SECONDS_DEFAULT: Final = 20.0
SCAN_SECONDS_MAX: Final = 100.0
SCANS_AT_ONCE: Final = 8
"""Files shown at a time, each on a connection and in a thread of its own: clamd has ten threads (MaxThreads) by default."""
SCAN_PIECE_BYTES: Final = 256 * KIB
"""What a file is read and sent by."""
SCANNER_REST_SECONDS: Final = 5.0
"""After it was found away, documents of other gateways are put off by their slip alone, unread, for so long."""
SCANNER_PATIENCE_SECONDS: Final = 5.0
"""For a connection, or for an answer that takes no looking at a file."""

# --- store, work, delivery ---------------------------------------------------------------------------------------------
GROUP_COMMIT_UNITS_MAX: Final = 64
START_LOOK_SECONDS_MAX: Final = 1.0
"""How long a database file is looked at whether it is sound, before a service or a command goes on: half of the time in which a
service is to be there again. A million documents would take a quarter of a minute, which `gateway doctor` has."""
STORE_QUEUE_MAX: Final = 2_000
"""Units waiting for the writer; a full queue refuses with `store.busy`, so memory never depends on the backlog."""
LEASE_SECONDS: Final = 120.0
"""Renewed by the engine's heartbeat while the item runs; it decides only how late a frozen process is noticed."""
WORK_RUNNING_MAX: Final = 40
"""Steps and transfers that run at once; no destination takes one more while it holds as many as are free (`Window`)."""
PLACES_KEPT: Final = 4
"""... of them: for the first item of a destination that answered last time. However many hang, nobody else waits."""
WINDOW_START: Final = 2
WINDOW_MAX: Final = 16
BACKOFF_FIRST_SECONDS: Final = 1.0
BACKOFF_CAP_SECONDS: Final = 900.0
STEP_ATTEMPTS_MAX: Final = 8
"""A step that fails this often by itself (not by its peer) becomes a dead letter."""
TIMESTAMP_URLS_MAX: Final = 4
"""Authorities that are asked one after the other: each that is silent costs a sealing document its patience."""
TIMESTAMP_BACKOFF_FIRST_SECONDS: Final = 60.0
TIMESTAMP_BACKOFF_CAP_SECONDS: Final = 3600.0
"""What is owed waits for the authorities, minutes to an hour: nobody is kept waiting by it."""
TIMESTAMP_DEBT_SECONDS_MAX: Final = 14 * 24 * 3600.0
"""Owed for longer than this, a timestamp becomes a dead letter: no authority is away for two weeks, something is wrong."""
SECOND_PERSON_SECONDS_MAX: Final = 24 * 3600.0
"""What one person asked for another confirms within a day, or it has to be asked for again: nobody should confirm what the
first one has long forgotten."""
SENT_AHEAD_SECONDS_MAX: Final = 300.0
"""A transfer's sent time may lie this far in the future (clock difference) ..."""
SENT_AGE_SECONDS_MAX: Final = (DELIVERY_DEADLINE_DAYS_MAX + 1) * 24 * 3600.0
"""... and this far in the past: the longest deadline that a sender may have, and a day."""
ORDER_WAIT_SECONDS_MAX: Final = 3600.0
"""An entry waits so long for smaller numbers of its stream, then comes in without them. Four times the longest back-off: what
is only repeated has come by then, and what will never come, its sender tells in a gap notice. An office misses nothing for
longer than this because another document is late."""
ORDER_WAIT_URGENT_SECONDS_MAX: Final = 120.0
"""An entry of an urgent document waits only so long: the time after which an urgent one that stands still is an alarm. Its
sender takes what is before it in its stream along, so that it waits for longer only where the road itself is bad."""
ORDER_HURRIED_MAX: Final = 256
"""Earlier transfers of its streams that an urgent document takes along in its own unit of work, oldest first."""
ORDER_ROWS_MAX: Final = 64
"""Staged entries that one unit of work lets in, each with a leaf: the rest follow in the next ones."""
STREAM_WAITING_MAX: Final = 10_000
"""Rows that wait in one stream before gap notices are put off: windows are 16, so a healthy peer never comes near."""
GAP_NOTICE_SECONDS_MAX: Final = 30 * 24 * 3600.0
"""A gap notice is repeated for so long: a peer that was away for longer has let come in by itself whatever it had."""
GAP_NOTICE_BYTES_MAX: Final = 512 * KIB
"""A signed notice: RECIPIENTS_MAX recipients with two lines each of 120 bytes, in base64."""
CONNECT_SECONDS_MAX: Final = 10.0
TRANSFER_SECONDS_MAX: Final = 120.0

# --- blobs ------------------------------------------------------------------------------------------------------------
ORPHAN_SECONDS_MIN: Final = 24 * 3600.0
"""Bytes that no row names and no request holds are swept when they are older: far longer than any unit of work can be on its
way, and a day in which whoever restored an older database can still see that it was the wrong one."""
SWEEP_SECONDS: Final = 24 * 3600.0
SWEEP_PAUSE_SECONDS: Final = 0.05
"""After each 500 blobs looked at: a million in two minutes, with a statement of a millisecond twenty times a second."""

# --- audit -------------------------------------------------------------------------------------------------------------
LEAF_BYTES_MAX: Final = 1 * KIB
SALT_BYTES: Final = 32
STREAM_HANDLE_BYTES: Final = 16
SEQUENCE_LEAVES_MAX: Final = 5_000
"""Leaves one run of the sequencer takes."""
NOTE_SIGNATURES_MAX: Final = 100
NOTE_BYTES_MAX: Final = 512 * KIB
"""A signed note: that many ML-DSA-44 cosignatures (3.3 KB each) and the text."""
LOG_PAGE_LEAVES: Final = 2_000
"""Leaves and openings that a check of the whole log holds in memory at a time."""
CHECKPOINT_IDLE_SECONDS: Final = 1.0
"""Leaves for which nobody waits are signed this late at most, many under one checkpoint."""
CHECKPOINT_RETRY_SECONDS: Final = 1.0
"""Pause after a busy store or a full disk kept a checkpoint from being signed."""

# --- registry ----------------------------------------------------------------------------------------------------------
REGISTRY_BYTES_MAX: Final = 64 * MIB
BODIES_MAX: Final = 200_000
SUCCESSOR_STEPS_MAX: Final = 8

assert FILE_BYTES_MAX <= DOCUMENT_BYTES_MAX < REQUEST_BYTES_MAX
assert MARKUP_BYTES_MAX < ENVELOPE_BYTES_MAX < HAND_ENVELOPE_BYTES_MAX
assert HAND_FILE_BYTES_MAX * 4 // 3 < HAND_ENVELOPE_BYTES_MAX
assert FILES_MAX < PAYLOADS_MAX
assert ARCHIVE_RATIO_FREE_BYTES < FILE_BYTES_MAX
assert EVENT_WAITERS_PER_KEY_MAX < EVENT_WAITERS_MAX < CONNECTIONS_MAX
assert DOCUMENT_BYTES_MAX * 4 // 3 + MIB < ENVELOPE_BYTES_MAX
assert WINDOW_MAX < CONNECTIONS_PER_PRINCIPAL < CONNECTIONS_MAX
assert REQUESTS_AT_ONCE < CONNECTIONS_PER_PRINCIPAL
assert CONNECTIONS_PER_ADDRESS < STRANGERS_MAX
assert WORK_RUNNING_MAX <= WORKER_SHARE_MAX < WORKER_QUEUE_MAX
assert REQUESTS_AT_ONCE <= WORKER_SHARE_MAX
assert WINDOW_START <= WINDOW_MAX
assert 2 * WINDOW_MAX + 2 * PLACES_KEPT <= WORK_RUNNING_MAX, "a destination that is alone has its whole window"
assert ORDER_WAIT_URGENT_SECONDS_MAX < ORDER_WAIT_SECONDS_MAX
assert BACKOFF_FIRST_SECONDS < BACKOFF_CAP_SECONDS < ORDER_WAIT_SECONDS_MAX < DELIVERY_DEADLINE_DAYS_MIN * 24 * 3600
assert DELIVERY_DEADLINE_DAYS_MAX * 24 * 3600 <= GAP_NOTICE_SECONDS_MAX
assert TIMESTAMP_BACKOFF_FIRST_SECONDS < TIMESTAMP_BACKOFF_CAP_SECONDS < TIMESTAMP_DEBT_SECONDS_MAX
assert ENVELOPE_BYTES_MAX < WORKER_ANSWER_BYTES_MAX < JUDGE_MEMORY_BYTES_MAX
assert EVIDENCE_BYTES_MAX < REVOCATION_LIST_BYTES_MAX < WORKER_ANSWER_BYTES_MAX
assert REVOCATION_LIST_BYTES_MAX < REVOCATION_LISTS_BYTES_MAX
assert FILE_BYTES_MAX < SCAN_BYTES_DEFAULT
assert SCAN_SECONDS_DEFAULT < SCAN_SECONDS_MAX < TRANSFER_SECONDS_MAX
assert (
    4 * (REVOCATION_LISTS_BYTES_MAX + OCSP_RESPONSES_BYTES_MAX) + 2 * EVIDENCE_INFLATED_BYTES_MAX
    < JUDGE_MEMORY_BYTES_MAX
)
assert JUDGE_CPU_SECONDS_MAX < JUDGE_WALL_SECONDS_MAX < TRANSFER_SECONDS_MAX <= LEASE_SECONDS
