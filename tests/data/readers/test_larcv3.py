"""The larcv3 reader on small files that are written here from the description of the layout."""

import pickle
from typing import Any

import h5py
import numpy as np
import pytest

from jaxsparse.data.readers.larcv3 import Larcv3Source
from jaxsparse.errors import InputError
from tests.data.readers.larcv3_files import (
    NAMED,
    PLANE,
    TICKS,
    VOXEL,
    WIRES,
    event,
    particle_tables,
    voxel_tables,
    write_larcv3_file,
)

WIRE_AND_CLASS: dict[str, Any] = {"image": ["sparse2d_wire"], "labels": ["sparse2d_class"]}
CLASSES = ["", "delta", "muon"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_larcv3_file(
        tmp_path_factory.mktemp("larcv3") / "a.h5", [event(number) for number in range(3)]
    )


@pytest.fixture(scope="module")
def source(path):
    return Larcv3Source(path, **WIRE_AND_CLASS, classes=CLASSES)


def test_planes_are_views_of_time_by_wire_and_values_at_the_threshold_are_left_out(source):
    assert len(source) == 3
    assert source.view_shapes == dict.fromkeys(("U", "V", "Y"), (TICKS, WIRES))
    assert source.axes["U"] == ("time row", "wire")
    assert source.value_units["Y"] == "ADC"
    found = source[1]
    assert found.event_id == 1
    assert found.keys == {"run": 7, "subrun": 2, "evt": 101}
    coords = [[5 + s, 4 + s] for s in range(6)] + [
        [8, 6]
    ]  # (time, wire): the file has (wire, time)
    for view in found.views.values():  # pixels of zero and below are in two of the files' planes
        assert view.coords.tolist() == sorted(coords)
        assert view.values.tolist() == [40, 41, 52, 12, 43, 44, 45]


def test_labels_are_the_label_images_values_and_zero_where_it_has_no_voxel(source):
    assert source.class_names == ("delta", "muon")
    found = source[0]
    assert np.asarray(found.views["Y"].labels).tolist() == [1, 1, 1, 0, 1, 1, 1]
    assert np.asarray(found.views["U"].labels).tolist() == [-1] * 7  # value 0 has no name
    assert found.particles["label"].tolist() == [1, 0]  # of most of their pixels


def test_instances_are_the_cluster_with_most_in_a_pixel_and_rows_of_the_particles(source):
    view = source[2].views["V"]
    assert np.asarray(view.instance).tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert np.asarray(view.overlap).tolist() == [1, 1, 2, 1, 1, 1, 1]
    shared = 42 / 52  # of the muon and the delta ray
    np.testing.assert_allclose(view.share, [1, 1, shared, 1, 1, 1, 1])


def test_particles_keep_their_mother_process_energy_and_place(source):
    muon, delta = source[0].particles
    assert (muon["pdg"], muon["parent"], muon["process"]) == (13, -1, 0)
    assert (delta["pdg"], delta["parent"], delta["process"]) == (11, 0, 2002)
    assert muon["kinetic_energy"] == pytest.approx(318.0624 - 105.658, rel=1e-4)
    assert delta["kinetic_energy"] == pytest.approx(4.0325 - 0.511, rel=1e-3)
    assert muon["direction"].tolist() == [0, 0, 1]
    assert (muon["start"].tolist(), muon["end"].tolist()) == ([1, 2, 3], [1, 2, 103])
    assert muon["time"] == pytest.approx(4.0)  # us, from ns
    assert [row["instance"] for row in (muon, delta)] == [0, 1]


def test_numbers_that_were_never_set_are_nan(tmp_path):
    first = event(0)
    first["particle_mc"][0]["end_pt"] = (1.7976931348623157e308,) * 4
    first["particle_mc"][1] |= {"px": np.nan, "energy_init": np.inf}
    path = write_larcv3_file(tmp_path / "a.h5", [first])
    muon, delta = Larcv3Source(path, image=["sparse2d_wire"])[0].particles
    assert np.isnan(muon["end"]).all()
    assert np.isfinite(muon["start"]).all()
    assert np.isnan(delta["kinetic_energy"])
    assert np.isnan(delta["direction"]).all()


def test_the_other_order_of_axes_and_other_names_of_planes_are_options(path):
    source = Larcv3Source(
        path, image=["sparse2d_wire"], axes="time,wire", views=["a", "b", "c"], threshold=42.5
    )
    assert source.view_shapes == dict.fromkeys("abc", PLANE)
    view = source[0].views["b"]
    assert view.coords.tolist() == [[5, 7], [6, 8], [7, 9], [8, 10]]
    assert view.values.tolist() == [52, 43, 44, 45]
    assert view.labels is None


def test_a_producer_must_be_named_where_there_are_several(path):
    with pytest.raises(InputError, match="has sparse2d_class, sparse2d_wire: say which"):
        Larcv3Source(path)
    alone = Larcv3Source(path, labels=["sparse2d_class"], classes=CLASSES)  # the rest is one
    assert "sparse2d_wire" in alone.notes()[0]
    plain = Larcv3Source(path, image=["sparse2d_wire"])
    assert plain.notes()[1] == "products that are not read: sparse2d_class"


def test_voxels_are_a_view_of_three_axes_beside_the_planes(tmp_path):
    track = {(1, 2, 3): 0.5, (1, 2, 4): 0.25}
    more = {
        "sparse3d_dep": {0: ((5, 6, 7), track)},
        "cluster3d_dep": {0: ((5, 6, 7), [(1, {(1, 2, 4): 0.25}), (65535, {(1, 2, 3): 0.5})])},
    }
    path = write_larcv3_file(tmp_path / "a.h5", [{**event(0), **more}, {**event(1), **more}])
    source = Larcv3Source(path, image=["sparse2d_wire", "sparse3d_dep"])
    assert source.view_shapes["voxels"] == (5, 6, 7)
    assert source.axes["voxels"] == ("x", "y", "z")
    assert source.value_units["voxels"] == "MeV"
    view = source[1].views["voxels"]
    assert view.coords.tolist() == [[1, 2, 3], [1, 2, 4]]
    assert np.asarray(view.instance).tolist() == [1, 1]  # the unset number is its place, 1


def test_clusters_without_an_image_are_summed_and_unknown_ones_get_a_particle(tmp_path):
    muon, delta = {(4, 5): 3.0, (5, 5): 2.0}, {(5, 5): 4.0}
    events = [{"cluster2d_mc": {0: (PLANE, [(2, muon), (9, delta)])}}]
    source = Larcv3Source(write_larcv3_file(tmp_path / "a.h5", events))
    assert list(source.view_shapes) == ["plane0"]
    found = source[0]
    assert found.views["plane0"].coords.tolist() == [[5, 4], [5, 5]]
    assert found.views["plane0"].values.tolist() == [3, 6]
    assert np.asarray(found.views["plane0"].instance).tolist() == [0, 1]
    assert found.particles["pdg"].tolist() == [0, 0]
    assert np.isnan(found.particles["kinetic_energy"]).all()


def test_an_event_without_a_plane_has_no_pixel_in_it(tmp_path):
    first, second = event(0), event(1)
    for product in ("sparse2d_wire", "sparse2d_class", "cluster2d_mc"):
        second[product] = {0: second[product][0]}
    path = write_larcv3_file(tmp_path / "a.h5", [first, second])
    found = Larcv3Source(path, **WIRE_AND_CLASS, classes=CLASSES)[1]
    assert [len(view) for view in found.views.values()] == [7, 0, 0]


def test_a_source_is_picklable(source):
    again = pickle.loads(pickle.dumps(source))
    for name, view in source[1].views.items():
        np.testing.assert_array_equal(again[1].views[name].values, view.values)


def tables(product):
    make = particle_tables if product.startswith("particle") else voxel_tables
    return make(product, [event(number) for number in range(3)])


def spoiled(product, table, row, field, value):
    """The table with one number changed."""
    changed = tables(product)[table].copy()
    changed[field][row] = value
    return {f"{product}__{table}": changed}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (spoiled("sparse2d_wire", "extents", 0, "first", 2**63 + 1), "must lie in the table"),
        (spoiled("sparse2d_wire", "extents", 0, "N", 99), "must lie in the table"),
        (spoiled("sparse2d_wire", "voxel_extents", 0, "N", 2**31), "must lie in the table"),
        (spoiled("sparse2d_wire", "voxel_extents", 1, "first", 2**40), "must lie in the table"),
        (spoiled("sparse2d_wire", "voxel_extents", 1, "ID", 0), "projection 0 must occur once"),
        (spoiled("sparse2d_wire", "image_meta", 1, "valid", 0), "no valid image_meta"),
        (spoiled("sparse2d_wire", "voxels", 3, "id", WIRES * TICKS), "voxel 1200 must lie in an"),
        (spoiled("sparse2d_wire", "voxels", 3, "id", 2**64 - 1), "voxel 18446744073709551615"),
        (spoiled("sparse2d_wire", "voxels", 3, "value", np.nan), "value nan must be finite"),
        (spoiled("sparse2d_wire", "voxels", 3, "id", 95), "voxel 95 occurs twice"),
        (spoiled("sparse2d_class", "voxels", 1, "value", 1.5), "label 1.5 must be a whole"),
        (spoiled("sparse2d_class", "voxels", 1, "value", 3), "label 3.0 must be a whole"),
        (spoiled("cluster2d_mc", "cluster_extents", 1, "first", 0), "must follow one another"),
        (spoiled("cluster2d_mc", "cluster_extents", 1, "N", 2**32 - 1), "must lie in the table"),
        (spoiled("cluster2d_mc", "projection_extents", 0, "N", 99), "must lie in the table"),
        (spoiled("particle_mc", "extents", 0, "N", 99), "must lie in the table"),
        (spoiled("particle_mc", "particles", 1, "id", 0), "two particles have the same id"),
    ],
)
def test_a_damaged_event_is_one_line_with_file_and_event(tmp_path, change, line):
    events = [event(number) for number in range(3)]
    path = write_larcv3_file(tmp_path / "a.h5", events, **change)
    source = Larcv3Source(path, **WIRE_AND_CLASS, classes=CLASSES)
    with pytest.raises(InputError, match=line) as error:
        source[0]
    assert "Event 0 of a.h5" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(source[2].views["Y"]) == 7  # others can still be read


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"sparse2d_wire__voxels": None}, "has no dataset Data/sparse2d_wire_group/voxels"),
        ({"sparse2d_wire__extents": np.zeros(3)}, "is no table"),
        ({"sparse2d_wire__voxels": np.zeros(9, NAMED)}, "has no field id"),
        ({"sparse2d_wire__voxels": np.zeros(9, [("id", "f8"), ("value", "f4")])}, "voxels.id is"),
        ({"sparse2d_wire__extents": tables("sparse2d_wire")["extents"][:2]}, "has 2 events"),
        ({"sparse2d_wire__image_meta": tables("sparse2d_wire")["image_meta"][:2]}, "has 2 rows"),
        (spoiled("sparse2d_wire", "image_meta", 3, "number_of_voxels", 41), "in another"),
        (spoiled("sparse2d_wire", "image_meta", 0, "number_of_voxels", 2**40), "sides must be"),
        (spoiled("sparse2d_wire", "image_meta", 0, "number_of_voxels", 0), "sides must be"),
        ({"particle_mc__particles": np.zeros(6, VOXEL)}, "has no field"),
    ],
)
def test_a_wrong_layout_is_one_line(tmp_path, change, line):
    events = [event(number) for number in range(3)]
    path = write_larcv3_file(tmp_path / "a.h5", events, **change)
    with pytest.raises(InputError, match=line) as error:
        Larcv3Source(path, image=["sparse2d_wire"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"image": ["sparse2d_x"]}, "has no sparse2d_x, it has"),
        ({"image": ["particle_mc"]}, "must be sparse2d or sparse3d or cluster2d or cluster3d"),
        ({"image": ["sparse2d_wire", "sparse2d_class"]}, "one 2d and one 3d"),
        ({"image": ["sparse2d_wire"], "particles": "sparse2d_class"}, "must be particle"),
        ({**WIRE_AND_CLASS}, "give both"),
        ({**WIRE_AND_CLASS, "classes": ["a", "a"]}, "at most 127 different names"),
        ({**WIRE_AND_CLASS, "classes": ["", *map(str, range(127))]}, "at most 127 different"),
        ({"image": ["sparse2d_wire"], "views": ["a"]}, "projections 0, 1, 2"),
        ({"image": ["sparse2d_wire"], "axes": "wire"}, "axes is 'wire'"),
        ({"image": ["sparse2d_wire"], "threshold": -1.0}, "threshold is -1.0"),
        ({"image": ["sparse2d_wire"], "particles": "particle_x"}, "has no particle_x, it has"),
    ],
)
def test_a_wrong_option_is_one_line(path, options, line):
    with pytest.raises(InputError, match=line):
        Larcv3Source(path, **options)


def test_data_outside_the_file_are_refused(tmp_path, path):
    linked = tmp_path / "linked.h5"
    linked.write_bytes(path.read_bytes())
    with h5py.File(linked, "a") as file:
        del file["Data/sparse2d_wire_group/voxels"]
        file["Data/sparse2d_wire_group/voxels"] = h5py.ExternalLink(
            str(path), "Data/sparse2d_wire_group/voxels"
        )
    with pytest.raises(InputError, match="points outside the file"):
        Larcv3Source(linked, image=["sparse2d_wire"])


def test_cut_files_and_other_files_are_one_line(tmp_path, path):
    cut, text = tmp_path / "cut.h5", tmp_path / "text.h5"
    cut.write_bytes(path.read_bytes()[:3000])
    text.write_text("hello")
    for bad in (cut, text, tmp_path / "none.h5"):
        with pytest.raises(InputError) as error:
            Larcv3Source(bad)
        assert "\n" not in str(error.value)
