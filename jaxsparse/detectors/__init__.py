"""What detectors are: views, axes, units, classes with colours, wire angles, default thresholds.

A file here is a detector: every :class:`Detector` that a module of this folder holds is known by
its name, and readers, evaluation and pictures follow. A program can :func:`register` one of its
own: the event files that it writes carry the description, which goes for the events of that file.
Detectors that nobody described get sensible defaults: see :func:`find` and :func:`class_set`.
"""

from jaxsparse.detectors.class_set import ClassSet as ClassSet
from jaxsparse.detectors.class_set import palette as palette
from jaxsparse.detectors.detector import Detector as Detector
from jaxsparse.detectors.detector import DetectorView as DetectorView
from jaxsparse.detectors.neutrinos import NeutralCurrents as NeutralCurrents
from jaxsparse.detectors.neutrinos import TopologyWords as TopologyWords
from jaxsparse.detectors.registry import class_set as class_set
from jaxsparse.detectors.registry import find as find
from jaxsparse.detectors.registry import known as known
from jaxsparse.detectors.registry import register as register
from jaxsparse.detectors.registry import registered as registered
from jaxsparse.detectors.stored import from_json as from_json
from jaxsparse.detectors.stored import to_json as to_json
