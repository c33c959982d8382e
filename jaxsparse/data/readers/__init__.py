"""Foreign formats, a module each, behind one protocol (:mod:`~jaxsparse.data.readers.protocol`).

:mod:`~jaxsparse.data.readers.formats` has the table of them.
"""
