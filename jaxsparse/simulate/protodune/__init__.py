"""ProtoDUNE-HD as a wire chamber: the plane that collects, of one readout unit."""

from jaxsparse.simulate.protodune.chamber import PROTODUNE_CHAMBER

__all__ = ["PROTODUNE_CHAMBER"]
