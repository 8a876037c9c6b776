"""Pre-train a small GPT-2 on made-up text. An ordinary Hydra app: scalecheck is one line in conf/train.yaml."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

# Matrices this small are multiplied fastest by one thread: more of them mostly spin. Read once, when numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hydra
import numpy as np
from data import batches, tokens
from hydra.core.hydra_config import HydraConfig
from model import Config, Weights, loss_and_grads, num_params, parameters
from omegaconf import DictConfig

log = logging.getLogger(__name__)


class AdamW:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with a linear warm-up and a cosine to a tenth."""

    def __init__(self, weights: Weights, learning_rate: float, weight_decay: float, max_steps: int) -> None:
        """Start with zero moments."""
        self.learning_rate, self.weight_decay, self.max_steps = learning_rate, weight_decay, max_steps
        self.first = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self.second = {name: np.zeros_like(weight) for name, weight in weights.items()}

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, from 1."""
        warmup = max(1, self.max_steps // 20)
        cosine = 0.55 + 0.45 * float(np.cos(np.pi * step / self.max_steps))
        return self.learning_rate * min(1.0, step / warmup) * cosine

    def update(self, weights: Weights, grads: Weights, step: int) -> None:
        """Move the weights in place."""
        rate = self.rate(step)
        for name, grad in grads.items():
            self.first[name] += 0.1 * (grad - self.first[name])
            self.second[name] += 0.01 * (grad**2 - self.second[name])
            moved = (self.first[name] / (1 - 0.9**step)) / (np.sqrt(self.second[name] / (1 - 0.99**step)) + 1e-8)
            decay = self.weight_decay if weights[name].ndim > 1 else 0.0
            weights[name] -= rate * (moved + decay * weights[name])


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(config: DictConfig) -> float:
    """Train, write metrics.jsonl and final_loss into the run's directory, and return the final loss."""
    model = Config(**{name: config.model[name] for name in ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")})
    weights = parameters(model, np.random.default_rng(config.seed))
    log.info("parameters: %s", f"{num_params(weights):,}")
    stream = batches(
        tokens(config.data.text, config.data.num_sentences, config.seed),
        config.data.batch_size,
        config.data.seq_len,
        config.seed,
    )
    trainer = config.trainer
    optimizer = AdamW(weights, trainer.learning_rate, trainer.weight_decay, trainer.max_steps)
    loss = float("nan")
    output = Path(HydraConfig.get().runtime.output_dir)
    with (output / "metrics.jsonl").open("w") as metrics:
        for step in range(1, trainer.max_steps + 1):
            inputs, targets = next(stream)
            loss, grads = loss_and_grads(weights, model, inputs, targets)
            optimizer.update(weights, grads, step)
            metrics.write(json.dumps({"step": step, "loss": loss}) + "\n")
            if step == 1 or step % trainer.log_every == 0 or step == trainer.max_steps:
                log.info("step %d: loss %.3f", step, loss)
    (output / "final_loss").write_text(f"{loss}\n")
    return loss


if __name__ == "__main__":
    main()
