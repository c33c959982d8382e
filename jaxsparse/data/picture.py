"""A quick picture of a few events, to see with one's own eyes what a file holds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsparse.data.schema import Event
from jaxsparse.errors import InputError, one_line
from jaxsparse.whole_file import whole_file


def draw_events(
    path: str | os.PathLike[str],
    events: Sequence[Event],
    *,
    axes: Mapping[str, Sequence[str]],
    titles: Sequence[str],
    across: Mapping[str, int] | None = None,
) -> None:
    """Writes a PNG with a row an event and a column a view, every image whole.

    Args:
      path: file to write.
      events: a few events, at least one.
      axes: by view, what the two axes count; views of more axes are left out.
      titles: a line an event.
      across: by view, which axis is drawn from left to right; the second if ``None``.

    Raises:
      InputError: there is nothing to draw, or the file cannot be written.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    names = [name for name in axes if events and len(events[0].views[name].shape) == 2]
    if not names:
        raise InputError(f"{path}: there is no event with a view of two axes to draw")
    figure = Figure(figsize=(4.2 * len(names), 3.2 * len(events)), layout="constrained")
    panels = figure.subplots(len(events), len(names), squeeze=False)
    values = np.concatenate([event.views[name].values for event in events for name in names])
    low, high = np.percentile(values[values > 0], [1, 99]) if (values > 0).any() else (1.0, 1.0)
    scale = LogNorm(low, max(high, low * 1.01))
    for row, (event, title) in enumerate(zip(events, titles, strict=True)):
        for column, name in enumerate(names):
            panel, view = panels[row][column], event.views[name]
            along = 1 if across is None else across[name]
            x, y = view.coords[:, along], view.coords[:, 1 - along]
            points = panel.scatter(
                x, y, c=view.values, s=4, marker="s", linewidths=0, cmap="viridis_r", norm=scale
            )
            panel.set_xlim(-0.5, view.shape[along] - 0.5)
            panel.set_ylim(-0.5, view.shape[1 - along] - 0.5)
            panel.set_xlabel(axes[name][along])
            panel.set_ylabel(axes[name][1 - along])
            panel.set_title(f"{name}: {title}" if column == 0 else name, fontsize=9, loc="left")
    figure.colorbar(points, ax=panels, label="value", shrink=0.6)
    with whole_file(path, "picture") as partial:
        try:
            # Said, or matplotlib puts .png behind a name without an ending.
            figure.savefig(partial, dpi=110, format=partial.suffix[1:] or "png")
        except ValueError as error:  # another ending than those of pictures
            raise InputError(f"picture is {path}: {one_line(error)}") from None
