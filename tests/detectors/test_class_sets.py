import pytest

from jaxsparse.detectors import ClassSet, class_set, known, palette
from jaxsparse.errors import InputError


def test_every_class_of_every_detector_has_a_colour_of_its_own():
    for detector in known().values():
        for classes in (detector.pixel_classes, detector.event_classes):
            assert len(set(classes.colours)) == len(classes.names)


def test_classes_of_any_number_have_colours():
    assert len(palette(30)) == 30
    assert len(set(palette(11))) == 11
    assert class_set([f"class {label}" for label in range(30)]).colours == palette(30)


def test_classes_are_known_by_their_names_in_their_order():
    assert class_set(["HIP", "MIP", "shower", "delta", "Michel"]).track_numbers == (0, 1)
    assert class_set(["MIP", "HIP", "shower", "delta", "Michel"]).tracks == ()
    assert class_set(["track", "shower"]).tracks == ()


def test_the_detector_that_is_asked_about_goes_before_others():
    own = ClassSet(("HIP", "MIP", "shower", "delta", "Michel"), tracks=("shower",))
    assert class_set(own.names, own).tracks == ("shower",)
    assert class_set(("HIP", "MIP"), own).tracks == ()


def test_a_set_that_does_not_fit_together_is_refused():
    with pytest.raises(InputError, match="colours has 1 entries but there are 2 classes"):
        ClassSet(("a", "b"), ("red",))
    with pytest.raises(InputError, match="tracks has 'c': it must be a class"):
        ClassSet(("a", "b"), tracks=("c",))
    with pytest.raises(InputError, match="at_track_ends has 'c': it must be a class"):
        ClassSet(("a", "b"), at_track_ends=("c",))
    with pytest.raises(InputError, match="along_tracks has 'c': it must be a class"):
        ClassSet(("a", "b"), along_tracks=("c",))
