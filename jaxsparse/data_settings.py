"""Settings of data: which events, and what becomes of their images; a part of the table."""

from __future__ import annotations

from collections.abc import Sized

from jaxsparse.rules import (
    BOUND,
    FINITE,
    LARGEST,
    NAMES,
    POSITIVE,
    SHARE,
    SWITCH,
    TEXT,
    Setting,
    is_number,
    is_whole,
    one_of,
    rows,
    whole,
)

S = Setting

DATA: dict[str, Setting] = {
    "train": S("", TEXT, "event file; convert --format=events joins several"),
    "validation": S("", TEXT, "event file; may be empty with a schedule that needs none"),
    "split": S((), rows("be shares that add up to 1, such as (0.9,0.05,0.05)", is_number),
               "without data.validation: shares of training, validation and test events "
               "of data.train, parted by content"),
    "views": S((), NAMES, "names of the file's views, all of which the network sees"),
    "further": S((), NAMES, "further values of the file's pixels that are features, as they are"),
    "gathered": S((), NAMES, "other views: values of linked pixels are features"),
    "gathered_further": S((), NAMES, "further values of these pixels that are features, as they "
                          "are"),
    "classes": S((), NAMES, "of a classification: names, numbered in this order; (): those of "
                 "data.train, which config.json then says"),
    "pixel_classes": S((), NAMES, "of a segmentation: names of the classes of pixels, which "
                       "every file must have in this order; (): those of data.train, which "
                       "config.json then says"),
    "low": S(0.0, BOUND, "keep pixels with low <= value <= high"),
    "high": S(1e9, BOUND, "see low"),
    "crop": S((512, 512), rows("be a tuple of positive whole numbers, () takes whole images",
                               lambda side: is_whole(side) and 0 < side <= LARGEST),
              "side lengths; () takes the whole image"),
    "crop_keep": S("interaction", one_of("interaction", "random", "densest"),
                   "where the window lies"),
    "crop_anywhere": S(0.0, SHARE, "augmentation: share of the events that are cut as by "
                       "crop_keep=random instead"),
    "flip_time": S(True, SWITCH, "augmentation: mirrors the first axis (NOvA: the plane)"),
    "flip_wire": S(True, SWITCH, "and the others (NOvA: the cell)"),
    "mean": S(0.0, FINITE, "features are (values - mean) / std"),
    "std": S(1.0, POSITIVE, "see mean"),
    "fluctuation": S(0.0, SHARE, "augmentation: values times 1 + this times a normal number"),
    "fluctuation_shared": S(False, SWITCH, "one number an event instead of one a view"),
    "coarsen": S(1, whole(1, words="1 changes nothing"),
                 "blocks of so many pixels along every axis become one"),
    "halo": S(0, whole(0, 64, "0 adds no pixels"),
              "empty pixels so near to an active one are sites"),
    "shift": S(0, whole(0, words="0 moves nothing"),
               "augmentation: images move by 0 to so many pixels"),
    "drop": S(0.0, SHARE, "augmentation: share of the pixels left out"),
    "max_sites": S(0, whole(0, words="0 is no limit"),
                   "bound on the sites of a view of a batch on one device; 0: as measured"),
    "oversize": S("error", one_of("error", "crop"), "for an event larger than that"),
    "bad_events": S("error", one_of("error", "skip"),
                    "for an event that cannot be read: skip leaves it out and says so"),
    "max_bad_events": S(100, whole(0), "skip as many at most"),
    "num_buckets": S(4, whole(1, 8), "compiled programs to spread the batches over"),
    "capacities": S((), rows("be a tuple of rows of whole numbers", lambda row: True),
                    "the buckets themselves, instead of measuring"),
    "workers": S(0, whole(0, 1024, "0 is threads"), "processes that make batches; 0: threads"),
}  # fmt: skip


def num_values(further: Sized, gathered: Sized, gathered_further: Sized) -> int:
    """How many values of a pixel a network sees, by keys of ``config.data``.

    >>> num_values(further=("time",), gathered=("U", "V"), gathered_further=("width",))
    6
    """
    return 1 + len(further) + len(gathered) * (1 + len(gathered_further))
