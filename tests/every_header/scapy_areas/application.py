"""Messages inside UDP, and headers of raw bytes."""

READERS = []

UNREAD = {
    "raw": "bytes of your own",
}
