"""The report says where its figures are from, and shows the pictures beside it."""

from jaxsparse.evaluation.report import PICTURES, Origin, with_pictures


def test_all_plots_and_pictures_of_the_folder_are_shown_plots_in_their_order(tmp_path):
    for name in ("plots/a.png", "plots/b.png", "plots/c.png", "pictures/event_00003_zoom.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    text = with_pictures("# Title\n", tmp_path, ("c", "b"))
    assert text.splitlines() == [
        "# Title", "", PICTURES, "", "![c](plots/c.png)", "", "![b](plots/b.png)", "",
        "![a](plots/a.png)", "", "![event 00003 zoom](pictures/event_00003_zoom.png)",
    ]  # fmt: skip


def test_a_report_without_pictures_has_no_section_of_them(tmp_path):
    assert with_pictures("# Title\n", tmp_path) == "# Title\n"


def test_network_config_checkpoint_and_command_are_named():
    origin = Origin("runs/y", "runs/y/config.json", "latest", "jaxsparse eval --workdir=runs/y")
    text = "\n".join(origin.lines())
    for part in ("`runs/y`", "`runs/y/config.json`", "`latest`", "    jaxsparse eval --workdir"):
        assert part in text
    assert Origin("net.safetensors").lines() == [
        "", "Network: `net.safetensors`, which holds its config."
    ]  # fmt: skip
