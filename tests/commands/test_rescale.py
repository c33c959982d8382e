"""The command line that moves a network to another operating point."""

from jaxsparse.evaluation.data_set import DataSet
from jaxsparse.evaluation.options import Options
from jaxsparse.training.model_file import read_model, write_model
from jaxsparse.training.trained import load_trained
from tests.evaluation.workdirs import make_workdir
from tests.fuzz.program import run


def test_what_is_said_of_the_network_stays_and_its_own_file_is_not_overwritten(
    workdir, truth_file, tmp_path
):
    write_model(tmp_path / "net.safetensors", load_trained(workdir), {"licence": "MIT"})
    arguments = ["--model=net.safetensors", f"--data={truth_file}", "--num_events=2"]
    done = run("rescale", [*arguments, "--out=net.safetensors"], tmp_path)
    assert done.status == 2
    assert "net.safetensors is the input net.safetensors, which would be" in done.lines[0]
    done = run("rescale", [*arguments, "--out=new"], tmp_path)
    assert done.lines == ["error: --out=new: the file must end with .safetensors"]
    done = run("rescale", [*arguments, "--out=new.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    _, about = read_model(tmp_path / "new.safetensors")
    assert about["licence"] == "MIT"
    assert about["rescaling"].startswith("temperature ")
    arguments[0] = "--model=new.safetensors"
    done = run("rescale", [*arguments, "--form=matrix", "--out=again.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    _, about = read_model(tmp_path / "again.safetensors")
    first, again = about["rescaling"].split("; then ")
    assert first.startswith("temperature ")
    assert again.startswith("matrix ")


def test_of_a_file_that_training_split_the_part_for_tests_is_left_alone(
    tiny_config, truth_file, tmp_path
):
    config = tiny_config.copy_and_resolve_references()
    config.data.train, config.data.split = str(truth_file), (0.2, 0.6, 0.2)
    make_workdir(tmp_path / "run", config)
    parts = [
        len(DataSet(truth_file, config, Options(part=part))) for part in ("validation", "test")
    ]
    assert parts[0] > parts[1] > 0
    arguments = ["--model=run", f"--data={truth_file}", "--out=new.safetensors"]
    done = run("rescale", arguments, tmp_path)
    assert done.status == 0, done.errors
    _, about = read_model(tmp_path / "new.safetensors")
    assert f"of {parts[0]} events" in about["rescaling"]
