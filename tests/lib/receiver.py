"""A receiver of HTTP requests on loopback, over TLS if need be, that answers as a test says and keeps what came."""

import json
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Request:
    """A request as it came. `number` counts them, from 0."""

    def __init__(self, handler, number, body):
        self.number = number
        self.method = handler.command
        self.path = handler.path
        self.headers = dict(handler.headers.items())
        self.body = body
        self.connection = handler.client_address[1]

    @property
    def command(self):
        """The command in the default body."""
        return json.loads(self.body)['command']

    @property
    def key(self):
        """The fire's id."""
        return self.headers['Idempotency-Key']


class Answer:
    """What to answer, where it is not an empty 200."""

    def __init__(self, status, body='', **headers):
        self.status = status
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers = {name.replace('_', '-'): value for name, value in headers.items()}


class Receiver:
    """`answer` is called with each request, on a thread of its own; it may block, and return an Answer. None: 200.
    It listens from the beginning, on a port that it keeps over stop and start."""

    def __init__(self, answer=None, tls=None):
        self.answer = answer
        self.tls = tls
        self.requests = []
        self.port = 0
        self._lock = threading.Lock()
        self._server = None
        self.start()

    def start(self):
        """Listens."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (ConnectionError, ssl.SSLError):
                    self.close_connection = True

            def _take(self):
                receiver._take(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = _take

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 200

            def handle_error(self, *_):
                pass

        self._server = Server(('127.0.0.1', self.port), Handler, bind_and_activate=False)
        self._server.allow_reuse_address = True
        self._server.server_bind()
        self._server.server_activate()
        self.port = self._server.server_address[1]
        if self.tls:
            # The handshake is made by the connection's own thread.
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True,
                                                       do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Does not listen any more. Connections that there are stay as they are."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _take(self, handler):
        body = handler.rfile.read(int(handler.headers.get('Content-Length', 0)))
        with self._lock:
            request = Request(handler, len(self.requests), body)
            self.requests.append(request)
        answer = (self.answer and self.answer(request)) or Answer(200)
        handler.send_response(answer.status)
        handler.send_header('Content-Length', str(len(answer.body)))
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != 'HEAD':
            handler.wfile.write(answer.body)

    def url(self, path='/run', host='127.0.0.1'):
        """Where it is."""
        return f'{"https" if self.tls else "http"}://{host}:{self.port}{path}'

    def commands(self):
        """The commands that came, in their order."""
        return [request.command for request in list(self.requests)]

    def of(self, command):
        """The requests with a command."""
        return [request for request in list(self.requests) if request.command == command]


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory, name):
        self.directory = directory
        self.name = name
        self._openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                      '-keyout', f'{name}.key', '-out', f'{name}.pem')
        self.pem = directory / f'{name}.pem'

    def _openssl(self, *arguments):
        subprocess.run(['openssl', *arguments], cwd=self.directory, check=True, capture_output=True, timeout=60)

    def issue(self, name, alternatives):
        """A certificate and its key, as paths."""
        self._openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', f'/CN={name}', '-keyout', f'{name}.key',
                      '-out', f'{name}.csr')
        (self.directory / f'{name}.ext').write_text(f'subjectAltName = {alternatives}\n')
        self._openssl('x509', '-req', '-in', f'{name}.csr', '-CA', f'{self.name}.pem', '-CAkey', f'{self.name}.key',
                      '-CAcreateserial', '-days', '2', '-extfile', f'{name}.ext', '-out', f'{name}.pem')
        return self.directory / f'{name}.pem', self.directory / f'{name}.key'

    def server(self, alternatives='DNS:localhost', clients=None):
        """What a server on loopback needs; `clients`: the authority whose clients it wants."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue('server', alternatives))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients.pem)
        return context
