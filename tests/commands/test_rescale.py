"""The command line that moves a network to another operating point."""

from jaxsparse.training.model_file import read_model, write_model
from jaxsparse.training.trained import load_trained
from tests.fuzz.program import run


def test_what_is_said_of_the_network_stays_and_its_own_file_is_not_overwritten(
    workdir, truth_file, tmp_path
):
    write_model(tmp_path / "net.safetensors", load_trained(workdir), {"licence": "MIT"})
    arguments = ["--model=net.safetensors", f"--data={truth_file}", "--num_events=2"]
    done = run("rescale", [*arguments, "--out=net.safetensors"], tmp_path)
    assert done.status == 2
    assert "net.safetensors is the input net.safetensors, which would be" in done.lines[0]
    done = run("rescale", [*arguments, "--out=new.safetensors"], tmp_path)
    assert done.status == 0, done.errors
    _, about = read_model(tmp_path / "new.safetensors")
    assert about["licence"] == "MIT"
    assert about["rescaling"].startswith("temperature ")
