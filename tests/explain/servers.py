"""A DNS, an HTTP and a TLS server, as far as a capture needs them."""

import http.server
import os
import socket
import ssl
import sys
import threading

work = sys.argv[1]


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"wirestorm " * 1000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def dns():
    """Answers every question with 198.18.0.2, and a long question with a long answer."""
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind(("::", 53))
    while True:
        query, client = server.recvfrom(4096)
        answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc6\x12\x00\x02"
        count = 200 if b"\x04long" in query else 1
        header = query[:2] + b"\x81\x80\x00\x01" + count.to_bytes(2, "big") + b"\0\0\0\0"
        server.sendto(header + query[12:] + answer * count, client)


plain = http.server.ThreadingHTTPServer(("198.18.0.2", 80), Page)
secret = http.server.ThreadingHTTPServer(("198.18.0.2", 443), Page)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(work, "cert.pem"), os.path.join(work, "key.pem"))
secret.socket = context.wrap_socket(secret.socket, server_side=True)
threading.Thread(target=dns, daemon=True).start()
threading.Thread(target=plain.serve_forever, daemon=True).start()
open(os.path.join(work, "ready"), "w").close()
secret.serve_forever()
