"""One HTML page of events: turn, zoom, point at pixels; no network and no library."""

from jaxsparse.viz.page.document import document as document
from jaxsparse.viz.page.shown import Predicted as Predicted
from jaxsparse.viz.page.shown import ShownEvent as ShownEvent
from jaxsparse.viz.page.shown import ShownFile as ShownFile
