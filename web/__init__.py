"""The web tool: photos are cloaked in a browser, and the page says what that is worth.

`python cli.py web` serves it on this machine. What computes is `lowkey_core.publish` and
`audit.check`; here are pages, sessions, a queue, and what a server must refuse.
"""
