"""Foreign formats, each read by a random-access source of :class:`jaxsparse.data.schema.Event`."""

from jaxsparse.data.readers.dune_cvn import DuneCvnSource
from jaxsparse.data.readers.edep_sim import EdepSimFile
from jaxsparse.data.readers.nova_caf import NovaCafSource
from jaxsparse.data.readers.nova_sparse import NovaSparseSource

__all__ = ["DuneCvnSource", "EdepSimFile", "NovaCafSource", "NovaSparseSource"]
