"""`python -m waitress_app FD` serves the plain WSGI application on a socket that listens already."""

import socket
import sys

import waitress
from wsgi_app import app

listener = socket.socket(fileno=int(sys.argv[1]))
# Who is believed about the client is for us to say.
waitress.serve(app, sockets=[listener], threads=4, clear_untrusted_proxy_headers=False)
