"""Lightning's DDP for real: the trainer starts the second process with the script's own command line."""

from __future__ import annotations

import pytest

pytest.importorskip("lightning")

BUDGET = "hydra.callbacks.scalecheck.rules.over_budget.max_training_tokens=4e6"
STOP = "hydra.callbacks.scalecheck.mode=stop"
TRAIN = """
from pathlib import Path
import hydra

def fit():
    import lightning, torch

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch, _):
            return self.layer(batch[0]).mean()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(16, 4)), batch_size=4)
    quiet = {name: False for name in ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")}
    lightning.Trainer(strategy="ddp", accelerator="cpu", devices=2, max_steps=2, **quiet).fit(Model(), data)

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    fit()
    with (Path(__file__).parent / "ran.txt").open("a") as file:
        file.write("ran\\n")

if __name__ == "__main__":
    main()
"""


def test_a_passing_launch_is_said_and_reported_once_and_trains_on_both(app):
    app.write({"train.py": TRAIN})
    done = app.run("trainer.devices=2", "data.batch_size=16")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("scalecheck:") == 1, done.stderr
    assert app.trained == 2
    assert len(list(app.root.rglob("scalecheck.json"))) == 1


def test_the_second_process_is_not_stopped_for_what_only_it_was_told(app):
    """Lightning kills the first when the second exits: without a word of ours, as the second says nothing."""
    app.write({"train.py": TRAIN, "conf/trainer/default.yaml": "max_steps: 84\n"})
    done = app.run(STOP, BUDGET)
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
