"""Certificates of an authority that a test makes up."""

import shutil
import subprocess
import tempfile
from pathlib import Path


class Certificates:
    """In a directory: ca.pem, an authority; server.pem and server.key, its certificate for localhost; other.pem, an
    authority that has signed nothing. A server may read them whatever user it runs under."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix='certificates-'))

    def _openssl(self, *arguments):
        subprocess.run(['openssl', *arguments], cwd=self.directory, check=True, capture_output=True, timeout=60)

    def __enter__(self):
        try:
            for name in ('ca', 'other'):
                self._openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', f'/CN={name}',
                              '-keyout', f'{name}.key', '-out', f'{name}.pem')
            self._openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', 'server.key',
                          '-out', 'server.csr')
            (self.directory / 'names').write_text('subjectAltName=DNS:localhost\n')
            self._openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key',
                          '-CAcreateserial', '-days', '2', '-extfile', 'names', '-out', 'server.pem')
        except BaseException:
            self.__exit__()
            raise
        for path in [self.directory, *self.directory.iterdir()]:
            path.chmod(0o755)
        return self.directory

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)
