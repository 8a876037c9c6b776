"""What a run is for: each kind of evidence speaks, its "off" is silent, and what looks like it is silent too."""

from __future__ import annotations

import pytest

from scalecheck.architectures.gpt2 import Shape
from scalecheck.facts import Unreadable
from scalecheck.intent import read_intent
from scalecheck.intent_data import NO_LANGUAGE
from scalecheck.survey import survey

LM = {"model": {"n_layer": 2, "vocab_size": 512}, "data": {"seq_len": 128}}
GPT2 = Shape(family="gpt2", num_layers=2, hidden_size=64, vocab_size=512, num_attention_heads=2, intermediate_size=256, max_positions=128)


@pytest.fixture
def intent(view_of):
    """``intent(config)``: what a run is for whose config has, besides this, a small language model."""

    def read(config, shape=None, choices=None, *, language=True):
        return read_intent(survey(view_of({**(LM if language else {}), **config})), shape, choices or {})

    return read


def test_a_plain_language_model_is_pretrained(intent):
    found = intent({"trainer": {"max_steps": 10}}, GPT2)
    assert (found.name, found.reason, found.key) == ("pretrain", "", None)


@pytest.mark.parametrize(
    ("config", "name", "reason"),
    [
        ({"mode": "ft"}, "finetune", "mode is ft"),
        ({"model": {"partial_pretrain": "~/models/gemma"}}, "finetune", "model.partial_pretrain is ~/models/gemma: weights are loaded"),
        (
            {"train": {"pretrained_model_path": "/x/hg38.ckpt"}},
            "finetune",
            "train.pretrained_model_path is /x/hg38.ckpt: weights are loaded",
        ),
        ({"model": {"checkpoint_path": "/ckpt/pt.pt", "random_init": True}}, "finetune", "model.checkpoint_path is /ckpt/pt.pt: weights"),
        ({"model": {"restore_from_path": "gpt.nemo"}}, "finetune", "model.restore_from_path is gpt.nemo"),
        ({"model": {"use_pretrained": True}}, "finetune", "model.use_pretrained is true: weights are loaded"),
        ({"training": {"from_pretrained": "org/model"}}, "finetune", "training.from_pretrained is org/model"),
        ({"pretrained_checkpoint": {"restore_from_path": "a.nemo"}}, "finetune", "pretrained_checkpoint.restore_from_path is a.nemo"),
        ({"model": {"pretrained_checkpoint": {"checkpoint_dir": "/x"}}}, "finetune", "model.pretrained_checkpoint.checkpoint_dir is /x"),
        ({"checkpoint": {"finetune_from_model": "m.pt"}}, "finetune", "checkpoint.finetune_from_model is m.pt"),
        ({"checkpoint": {"restore_file": "m.pt", "reset_optimizer": True}}, "finetune", "checkpoint.reset_optimizer is true: weights"),
        ({"model": {"_target_": "transformers.AutoModelForCausalLM.from_pretrained"}}, "finetune", "model._target_ is transformers"),
        ({"checkpointer": {"_component_": "torchtune.training.FullModelHFCheckpointer"}}, "finetune", "checkpointer._component_ is"),
        ({"model_name_or_path": "gpt2"}, "finetune", "model_name_or_path is gpt2: weights are loaded"),
        ({"init_from": "gpt2-xl"}, "finetune", "init_from is gpt2-xl: weights are loaded"),
        ({"model": {"lora_rank": 8}}, "finetune", "model.lora_rank is 8: adapters are trained"),
        ({"lora": {"r": 8, "alpha": 16}}, "finetune", "lora.r is 8"),
        ({"model": {"peft": {"peft_scheme": "lora"}}}, "finetune", "model.peft.peft_scheme is lora"),
        ({"lora": {"_target_": "peft.LoraConfig"}}, "finetune", "lora._target_ is peft.LoraConfig"),
        ({"trainer": {"_target_": "trl.SFTTrainer"}}, "finetune", "trainer._target_ is trl.SFTTrainer"),
        ({"model": {"_target_": "verl.workers.config.HFModelConfig"}}, "finetune", "model._target_ is verl.workers"),
        ({"trainer": {"sft": {"max_steps": 5}}}, "finetune", "trainer.sft is set"),
        ({"trainer": {"kto": {"max_steps": 5}}}, "rl", "trainer.kto is set"),
        ({"train": {"system": {"finetune": True}}}, "finetune", "train.system.finetune is true"),
        ({"dataset": {"_component_": "torchtune.datasets.alpaca_dataset"}}, "finetune", "dataset._component_ is torchtune"),
        ({"task": {"_name": "sentence_prediction"}}, "finetune", "task._name is sentence_prediction"),
        ({"load_path": "s3://other/step1000"}, "continue", "load_path is s3://other/step1000: weights are loaded"),
        ({"initial_checkpoint_dir": "/ckpt"}, "continue", "initial_checkpoint_dir is /ckpt"),
        ({"train": {"continued_pretraining": True}}, "continue", "train.continued_pretraining is true"),
        ({"trainer": {"_target_": "trl.DPOTrainer"}}, "rl", "trainer._target_ is trl.DPOTrainer"),
        ({"actor_rollout_ref": {"model": {"path": "x"}}}, "rl", "actor_rollout_ref is set"),
        ({"algorithm": "grpo"}, "rl", "algorithm is grpo"),
        ({"loss": {"_component_": "torchtune.rlhf.loss.DPOLoss"}}, "rl", "loss._component_ is torchtune.rlhf.loss.DPOLoss"),
        ({"teacher": {"model_name_or_path": "big"}, "student": {"n_layer": 2}}, "distill", "teacher.model_name_or_path is big"),
        ({"algo": {"name": "distillation"}}, "distill", "algo.name is distillation"),
        ({"mode": "sample_eval"}, "evaluate", "mode is sample_eval"),
        ({"eval_only": True}, "evaluate", "eval_only is true"),
        ({"train": False, "test": True}, "evaluate", "train is false: nothing is trained"),
        ({"training_args": {"do_train": False}}, "evaluate", "training_args.do_train is false: nothing is trained"),
        ({"stages": ["conversion", "evaluation"]}, "evaluate", "stages is [conversion, evaluation], without training"),
        ({"stages": ["conversion", "fine_tuning"]}, "finetune", "stages is [conversion, fine_tuning], without training"),
        ({"experiment": {"task": {"type": "inference"}}}, "evaluate", "experiment.task.type is inference"),
        ({"trainer": {"fast_dev_run": True}}, "smoke", "trainer.fast_dev_run is true"),
        ({"trainer": {"fast_dev_run": 5}}, "smoke", "trainer.fast_dev_run is 5"),
        ({"trainer": {"limit_train_batches": 1}}, "smoke", "trainer.limit_train_batches is 1"),
        ({"trainer": {"limit_train_batches": 0.01}}, "smoke", "trainer.limit_train_batches is 0.01"),
        ({"trainer": {"overfit_batches": 3}}, "smoke", "trainer.overfit_batches is 3"),
        ({"debug_mode": True}, "smoke", "debug_mode is true"),
        ({"task_name": "debug"}, "smoke", "task_name is debug"),
        (
            {"train": {"system": {"checkpoint": {"load": "/ckpt", "finetune": True}}}},
            "finetune",
            "train.system.checkpoint.finetune is true",
        ),
        ({"megatron": {"load": "/ckpt", "finetune": True}}, "finetune", "megatron.finetune is true"),
        ({"loss": {"name": "dpo", "beta": 0.1}}, "rl", "loss.name is dpo"),
        ({"loss": {"name": "sft"}, "trainer": "BasicTrainer"}, "finetune", "loss.name is sft"),
        ({"train": {"loss_type": "dr_grpo"}}, "rl", "train.loss_type is dr_grpo"),
        ({"model": {"name_or_path": "EleutherAI/pythia-2.8b"}}, "finetune", "model.name_or_path is EleutherAI/pythia-2.8b: weights"),
        *(({"trainer": {name: {"max_steps": 5}}}, "rl", f"trainer.{name} is set") for name in ("rs", "reinforce", "orpo", "rloo", "remax")),
        ({"trainer": {"spin": {"max_steps": 5}}}, "finetune", "trainer.spin is set"),
        ({"trainer": {"knowledge_distillation": {"max_steps": 5}}}, "distill", "trainer.knowledge_distillation is set"),
        ({"pretrained_checkpoint": {"restore_from_path": None}}, "finetune", "pretrained_checkpoint is set: weights must be given"),
        ({"model": {"kd_teacher_restore_from_path": None}}, "distill", "model.kd_teacher_restore_from_path is there"),
        ({"parameters": {"load_path": "s3://a/step5"}}, "continue", "parameters.load_path is s3://a/step5: weights are loaded"),
        ({"load_path": "s3://a/latest-rank0.pt", "load_weights_only": True}, "continue", "load_path is s3://a/latest-rank0.pt"),
        ({"model": {"answer_only_loss": False}}, "finetune", "model.answer_only_loss is there"),
        ({"args": {"assistant_only_loss": True}}, "finetune", "args.assistant_only_loss is there"),
        ({"completion_only_loss": None}, "finetune", "completion_only_loss is there"),
        ({"train_on_inputs": False}, "finetune", "train_on_inputs is there"),
        ({"data": {"init_args": {"mask_prompt": False}}}, "finetune", "data.init_args.mask_prompt is there"),
        ({"data": {"supervised_data": {"cache_dir": "x"}}}, "finetune", "data.supervised_data is there"),
        ({"chat_train_urls": ["gs://x"]}, "finetune", "chat_train_urls is there"),
        ({"data": {"chat_template": "llama3"}}, "finetune", "data.chat_template is there"),
        ({"dataset_type": "chat_jsonl"}, "finetune", "dataset_type is chat_jsonl"),
        ({"train_loader": {"name": "finetuning"}}, "finetune", "train_loader.name is finetuning"),
        ({"algo": {"name": "ot-finetune"}}, "finetune", "algo.name is ot-finetune"),
        ({"experiment": "finetune_llama"}, "finetune", "experiment is finetune_llama"),
        ({"train": {"mode": "sft-packed"}}, "finetune", "train.mode is sft-packed"),
        ({"mode": "train_classifier"}, "other", "mode is train_classifier"),
        ({"task": "species_classification"}, "other", "task is species_classification"),
        ({"train": {"load_checkpoint": "/x.pt"}}, "continue", "train.load_checkpoint is /x.pt: weights are loaded"),
        ({"model": {"load_ckpt": "/x.pt"}}, "continue", "model.load_ckpt is /x.pt"),
        ({"train": {"load_model_path": "/x"}}, "continue", "train.load_model_path is /x"),
        ({"use_lora": True, "lora": {"enabled": True, "r": 8}}, "finetune", "use_lora is true"),
    ],
)
def test_each_sign_speaks_and_is_named_with_its_value(intent, config, name, reason):
    found = intent(config)
    assert found.name == name
    assert found.reason.startswith(reason)
    assert found.key is not None
    assert found.reason.startswith(found.key)


@pytest.mark.parametrize(
    "config",
    [
        {"mode": "pt"},
        {"mode": "train", "eval": {"checkpoint_path": "/x.ckpt", "gen_ppl_eval_model_name_or_path": "gpt2-large"}},
        {"train": {"mode": "min", "monitor": "val/loss", "pretrained_model_path": None, "debug": False, "test": True}},
        {"model": {"checkpoint_path": "", "random_init": True, "name": "google/t5-v1_1-base"}},
        {"model": {"use_pretrained": False, "pretrained_model_name": "bert-base-uncased"}},
        {"model": {"pretrained": False, "pretrained_model_name_or_path": "gpt2"}},
        {"model": {"load_pretrained": False, "pretrained_ckpt": "/x.pt"}},
        {"model": {"pretrained_path": "none"}},
        {"model_name_or_path": "gpt2", "train_from_scratch": True},
        {"init_from": "scratch"},
        {"init_from": "resume"},
        {"tokenizer": {"_target_": "transformers.AutoTokenizer.from_pretrained", "pretrained_model_name_or_path": "gpt2"}},
        {"model": {"config": {"_target_": "transformers.GPT2Config.from_pretrained", "pretrained_model_name_or_path": "gpt2"}}},
        {"ckpt_path": "/x/last.ckpt", "resume": True, "resume_from_checkpoint": "/x"},
        {"checkpoint": {"save_dir": "/x", "restore_file": "checkpoint_last.pt", "reset_optimizer": False}},
        {"checkpointing": {"resume_from_ckpt": True, "resume_ckpt_path": "/x/checkpoints/last.ckpt"}},
        {"checkpoint": {"dir": "/x"}, "save_path": "/y"},
        {"model": {"checkpoint": "selective", "weights": "random"}},
        {"model": {"ckpt_path": "runs/a/last.ckpt"}},
        {"callbacks": {"model_checkpoint": {"pretrained": True, "mode": "eval"}}},
        {"load_path": None},
        {"model": {"pretrained": "scratch"}},
        {"data": {"tokenizer": {"pretrained": True}}, "vae": {"pretrained_path": "/x.pt"}},
        {"trainer": {"ppo": {"enabled": False, "max_steps": 5}}},
        {"data": {"mode": "test", "train": False, "seq_len": 8}},
        {"dataset": {"name": "/mnt/cifar/c4"}},
        {"averaging": {"_target_": "timm.utils.ModelEmaV2"}},
        {"env": "slurm", "env_name": "my-conda"},
        {"load_path": "runs/a/step5", "save_folder": "runs/a"},
        {"model": {"lora_rank": 0, "peft": None, "lora_alpha": 16}},
        {"model": {"peft": {"peft_scheme": "none"}, "kv_lora_rank": 512}},
        {"lora": {"enabled": False, "r": 8}},
        {"use_lora": False, "lora": {"r": 8}},
        {"model": {"enable_lora": False, "lora": {"rank": 8}, "lora_rank": 8}},
        {"train": {"use_peft": False, "peft": {"peft_type": "lora", "config": {"_target_": "peft.LoraConfig", "r": 8}}}},
        {"system": {"checkpoint": {"load": "/ckpt", "finetune": False}}},
        {"tokenizer": {"load": "/x", "finetune": True}},
        {"loss": {"name": "cross_entropy"}, "model": {"loss_type": "mdlm"}, "metrics": {"loss": "dpo"}},
        {"model": {"name_or_path": "gpt2-xl", "random_init": True}},
        {"data": {"pretrained_model_name_or_path": "gpt2"}, "datamodule": {"model_name_or_path": "gpt2", "from_pretrained": "gpt2"}},
        {"tokenizer_config": {"pretrained_model_name_or_path": "gpt2"}},
        {"pretrained_checkpoint": None, "load_path": None, "load_weights_only": True},
        {"tokenizer": {"chat_template": "llama3"}, "data": {"chat_template": None}, "dataset_type": "jsonl"},
        {"train_loader": {"name": "text"}},
        {"run_name": "finetune_a", "wandb": {"name": "sft-a"}, "exp": "lora_a", "tag": "dpo", "exp_name": "gpt-ft"},
        {"experiment": {"name": "finetune_llama"}, "job": {"name": "llama-ft"}, "task_name": "gpt-lora"},
        {"command": "accelerate launch run.py --lora r", "mode": "no_lora"},
        {"experiment": "pretrain_for_sft"},
        {"experiment": "test"},
        {"model": {"num_labels": 0}, "data": {"num_labels": 2, "seq_len": 8}},
        {"model": {"num_labels": 512, "vocab_size": 512, "n_layer": 2}},
        {"downstream": {"tasks": {"mnli": {"shots": 0}}}},
        {"eval": {"tasks": {"mnli": {"shots": 0}}}, "callbacks": {"tasks": {"rte": {"shots": 0}}}},
        {"train": {"load_checkpoint": "latest", "load_ckpt": True}, "load_model_path": "runs/a/last.ckpt"},
        {"max_steps": 10, "icl_tasks": ["piqa"], "ckpt_path": "/x/last.ckpt"},
        {"optimizer": {"name": "adamw"}, "harness": {"tasks": ["piqa"]}},
        {"model_name": "Qwen/Qwen3-0.6B"},
        {"trainer": {"fast_dev_run": False, "limit_train_batches": 1.0, "overfit_batches": 0, "limit_val_batches": 5}},
        {"trainer": {"limit_train_batches": 10_000}},
        {"debug": False, "dry_run": False, "compile": {"mode": "default"}, "numa_mapping": {"mode": "unique"}},
        {"default_mode": True, "test_after_training": True},
        {"stages": ["conversion", "training"]},
        {"stages": [3, 4, 6, 3]},
        {"dino": {"teacher": {"momentum_teacher": 0.99}}},
        {"train": {"scheduler": {"_target_": "timm.scheduler.CosineLRScheduler"}}},
        {"optimizer": {"_target_": "timm.optim.Lamb"}},
        {"sample_rate": 0.1, "model": {"patch_size": 8, "n_layer": 2}},
        {"data": {"path": "/mnt/vision/cifar/c4"}},
        {"dataset": {"_name_": "hg38"}, "task": {"_name_": "lm", "loss": {"_name_": "cross_entropy"}}},
    ],
)
def test_what_is_off_or_about_something_else_leaves_pretraining(intent, config):
    found = intent(config)
    assert (found.name, found.reason) == ("pretrain", "")


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model": {"patch_dim": 16, "img_h": 224}}, "images"),
        ({"model": {"patch_size": 16, "num_classes": 1000}}, "images"),
        ({"data": {"_target_": "src.data.mnist_datamodule.MNISTDataModule"}}, "images"),
        ({"dataset": {"_name_": "cifar"}}, "images"),
        ({"student": {"arch": "vit_large"}}, "images"),
        ({"train_dataset_str": "ImageNet:split=TRAIN"}, "images"),
        ({"DATASETS": {"TRAIN": ["coco_2017_train"]}}, "images"),
        ({"model": {"_target_": "torchvision.models.resnet18"}}, "images"),
        ({"model": {"_target_": "transformers.ViTForImageClassification"}}, "images"),
        ({"model": {"mm_cfg": {"llm": {"x": 1}}}}, "images"),
        ({"task": {"_name": "mae_image_pretraining", "audio_mae": False}}, "images"),
        ({"task": {"_name": "audio_pretraining"}}, "audio"),
        ({"task": {"sample_rate": 16_000}}, "audio"),
        ({"model": {"_name": "wav2vec2"}}, "audio"),
        ({"model": {"preprocessor": {"n_fft": 512}}}, "audio"),
        ({"model": {"_target_": "uni2ts.model.moirai.MoiraiPretrain"}}, "time series"),
        ({"context_length": 512, "prediction_length": 64}, "time series"),
        ({"data": {"freq": "H", "context_length": 512}}, "time series"),
        ({"model": {"_target_": "torch_geometric.nn.MLP"}}, "graphs"),
        ({"env_name": "CartPole-v1"}, "an environment"),
        ({"dataset": {"_name_": "listops"}}, "a made-up task"),
        ({"model": {"_target_": "transformers.BertForSequenceClassification"}}, "classes"),
    ],
)
def test_data_that_are_no_language_are_said_to_be_what_they_are(intent, config, kind):
    found = intent(config)
    assert found.name == "other"
    assert found.reason.endswith(f"its data are {kind}")


@pytest.mark.parametrize(
    "task", [{"_name_": "masked_multiclass"}, {"_name_": "base", "loss": "mse"}, {"loss": {"_name_": "binary_cross_entropy"}}]
)
def test_a_task_that_is_no_language_modelling_is_other(intent, task):
    assert intent({"task": task}).name == "other"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model": {"num_labels": 2}}, "model.num_labels is 2: its data are classes"),
        ({"tasks": {"mnli": {"epochs": 1}}}, "tasks.mnli is set: its data are texts to classify"),
        ({"parameters": {"tasks": {"copa": {"epochs": 1}}}}, "parameters.tasks.copa is set: its data are texts to classify"),
    ],
)
def test_heads_and_tasks_of_classes_are_other(intent, config, reason):
    found = intent(config)
    assert (found.name, found.reason) == ("other", reason)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"name": "evals", "generator": {"max_tokens": 8192}, "harness": {"tasks": ["piqa"]}, "validation": {"max_steps": 9}}, "harness"),
        ({"parameters": {"models": [{"load_path": None}], "icl_tasks": "tasks.yaml", "max_seq_len": 8}}, "parameters.icl_tasks"),
        ({"inference": {"greedy": True}, "trainer": {"devices": 1}}, "inference"),
        ({"ckpt_path": "/x.pt", "batch_size": 8}, "ckpt_path"),
    ],
)
def test_tasks_or_a_checkpoint_without_a_key_of_training_are_evaluated(intent, config, key):
    found = intent(config)
    assert (found.name, found.key) == ("evaluate", key)
    assert intent({**config, "max_epochs": 1}).name == "pretrain"
    assert intent({**config, "max_tokens": 10**9}).name == "pretrain"


@pytest.mark.parametrize(
    "config",
    [
        {"model": "Qwen/Qwen2.5-7B-Instruct"},
        {"model_name": "org/gemma-2b-it"},
        {"model": {"name": "google/t5-v1_1-base", "random_init": False}},
        {"train": {"hf_model": "org/model-chat-v1"}},
    ],
)
def test_a_name_of_the_hub_is_loaded_where_a_switch_or_the_name_says_so(intent, config):
    found = intent(config, language=False)
    assert found.name == "finetune"
    assert "weights are not random" in found.reason or "tuned before" in found.reason
    assert intent({**config, "train_from_scratch": True, "seq_len": 8}, language=False).name == "pretrain"


@pytest.mark.parametrize(
    "config",
    [
        {"model": "Qwen/Qwen3-0.6B"},
        {"model_name": "org/a-model"},
        {"model": {"name": "google/t5-v1_1-base"}},
        {"model": "llama/7b"},
        {"model": "configs/gpt2.yaml"},
        {"model": "gpt2"},
        {"model": "gpt/small"},
        {"name": "me/my-run"},
        {"tokenizer": {"name": "org/model"}, "data": {"model_name": "org/model"}},
        {"model": {"pretrained_model_name": "bert-base-uncased"}},
        {"model": {"name": "google/t5-v1_1-base", "random_init": True}},
        {"model": {"pretrained_model_name_or_path": "org/model", "use_pretrained": False}},
    ],
)
def test_what_looks_like_a_name_of_the_hub_loads_nothing(intent, config):
    assert intent({**config, "seq_len": 8}, language=False).name == "pretrain"


def test_the_head_of_the_model_tells_images_and_speech(intent):
    class Whisper:
        family, head = "whisper", "speech_seq2seq"

    assert intent({}, Whisper()).reason == "whisper is trained as speech_seq2seq"


def test_a_config_without_a_word_of_language_is_other(intent):
    config = {"trainer": {"max_epochs": 3, "batch_size": 2}, "model": {"lin1_size": 64}}
    found = intent(config, language=False)
    assert (found.name, found.reason, found.key) == ("other", NO_LANGUAGE, None)
    assert intent(config, GPT2, language=False).name == "pretrain"


@pytest.mark.parametrize(
    "config", [{"tokenizer_name": "gpt2"}, {"data": {"block_size": 8}}, {"task": {"_name": "masked_lm"}}, {"dataset": "openwebtext"}]
)
def test_one_word_of_language_is_enough(intent, config):
    assert intent(config, language=False).name == "pretrain"


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ({"debug": "fdr"}, "smoke"),
        ({"debug": "default"}, "smoke"),
        ({"mode": "debug"}, "smoke"),
        ({"experiment": "glue/finetune_mnli"}, "finetune"),
        ({"task": "multiclass_classification"}, "other"),
        ({"data": "cifar10"}, "other"),
        ({"debug": "null", "mode": "default", "experiment": "owt/gpt2s-flash", "hydra/job_logging": "debug"}, "pretrain"),
        ({"experiment": "pretrain_for_finetune"}, "pretrain"),
        ({"training": "neva/mistral_7b_instruct"}, "pretrain"),
        ({"data": "openwebtext", "model": "small", "callbacks": "debug"}, "pretrain"),
    ],
)
def test_chosen_options_tell_too(intent, choices, name):
    found = intent({}, choices=choices)
    assert found.name == name
    assert name == "pretrain" or found.key in choices


def test_a_debug_node_that_its_default_option_fills_is_no_debugging(intent):
    assert intent({"debug": {"enabled": False}}, choices={"debug": "default"}).name == "pretrain"


def test_a_value_that_cannot_be_read_says_nothing(intent, view_of, monkeypatch):
    monkeypatch.setattr(view_of, "get", lambda self, key: Unreadable(reason="no such resolver"))
    config = {"mode": "ft", "model": {"partial_pretrain": "x", "lora_rank": 8}, "load_path": "x", "train": False, "img_h": 224}
    assert intent(config).name == "pretrain"


def test_a_path_that_must_be_given_is_a_path_that_will_be_loaded(intent):
    found = intent({"model": {"restore_from_path": "???"}})
    assert (found.name, found.reason) == ("finetune", "model.restore_from_path is ???: weights must be given")
    assert intent({"mode": "???", "load_path": "???", "model_name_or_path": "???"}).name == "pretrain"


def test_only_keys_with_telling_names_are_read(view_of):
    aside = {"secret": {"value": "x", "name": "x"}, "wandb": {"name": "x", "type": "x"}, "lr": 1, "callbacks": {"mode": "eval"}}
    view = view_of({**LM, **aside, "mode": "train"})
    read_intent(survey(view), None)
    assert "mode" in view.read_keys
    assert not [key for key in view.read_keys if key.partition(".")[0] in (*aside, "data")]


def test_a_long_value_is_cut_short(intent):
    assert len(intent({"model": {"partial_pretrain": "x" * 500}}).reason) < 130
