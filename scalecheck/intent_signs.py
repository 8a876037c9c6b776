"""What gives away the purpose of a run: the tables behind ``intent``. Names and words are in lower case, with underscores for hyphens.

Each name is one that public training code reads; the ones that are not plain English are followed by the code they are from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

RUN_NODES = frozenset((
    "", "_group_", "train", "training", "trainer", "task", "run", "experiment", "exp", "general", "common", "main", "job", "args", "config",
    "cfg", "base", "globals", "setup", "settings", "params", "hparams", "training_args", "train_args", "training_arguments", "trainer_args",
    "pl_trainer", "lightning", "flags", "runtime", "extras", "opt", "program",
    "parameters",  # what MosaicML's mcli hands to a script
))  # fmt: skip
"""Nodes whose settings are about the whole run."""

MODEL_NODES = frozenset(("model", "net", "network", "backbone", "transformer", "lm", "llm", "language_model", "encoder", "decoder",
                         "module", "model_args", "model_config", "model_arguments", "lit_module", "student"))  # fmt: skip
WEIGHT_NODES = MODEL_NODES | {"checkpoint", "checkpointing", "system"}  # Megatron's arguments as FlagScale groups them
DATA_NODES = frozenset(("data", "dataset", "datasets", "datamodule", "data_module", "dm", "train_dataset", "train_data", "train_ds"))
SIDE_NODES = frozenset((
    "tokenizer", "tokenizers", "tok", "vocab", "teacher", "reward", "reward_model", "judge", "embedder", "embedding", "embeddings",
    "word_embeddings", "vae", "vocoder", "codec", "retriever", "draft", "metric", "metrics", "scorer", "perplexity", "evaluator",
    "evaluators", "evaluation", "guide", "processor", "feature_extractor", "text_encoder", "vision_encoder", "ref", "wandb", "hub",
    "transforms", "gen_ppl", "resume", "export", "conversion",
))  # fmt: skip
"""Nodes about something beside the model that is trained: what they load are not its weights."""

OFF = frozenset(("", "none", "null", "nil", "false", "no", "off", "0", "n/a", "na", "~", "disabled", "disable", "never"))
SCRATCH = frozenset(("scratch", "from_scratch", "random", "random_init", "resume", "auto", "last", "latest", "best"))
"""What stands for weights, and says that none are loaded, or those of the same run."""

WORD_KEYS = frozenset((
    "mode", "run_mode", "exp_mode", "train_mode", "training_mode", "task", "task_name", "stage", "phase", "action", "job", "run_type",
    "recipe", "method", "algorithm", "algo", "training_type", "train_type", "training_stage", "finetuning_type", "trainer_type", "job_type",
    "cmd", "command", "objective",
    "train_impl",  # gpt-neox
))  # fmt: skip
"""Keys of a run whose value may be one of ``WORDS``; a node of such a name tells by its ``name``, ``_name`` or ``_name_``."""
WORD_NODES = WORD_KEYS | {"train_loader", "train_dataloader"}  # llm-foundry: train_loader.name is text or finetuning
FREE_TEXT = frozenset(("job", "task_name", "cmd", "command"))
"""Keys whose value may be the name of a run or a line of a shell: whole words tell there, parts of them do not."""
LOSS_KEYS = ("loss", "loss_type", "loss_fn")
TALKS = frozenset(("chat", "conversation", "conversations", "instruct", "instruction", "sft"))
"""Words in a ``dataset_type`` that say that what is trained on are talks."""

WORDS: Mapping[str, frozenset[str]] = {
    "evaluate": frozenset((
        "eval", "evaluate", "evaluation", "eval_only", "test", "testing", "test_only", "predict", "predict_only", "infer", "inference",
        "generate", "generation", "sample", "sampling", "validate", "validation", "val", "export", "convert", "conversion", "preprocess",
        "tokenize", "chat", "serve", "compress", "score", "visualize", "analyze", "zero_shot",
        "sample_eval", "ppl_eval",  # kuleshov-group/mdlm, main.py
    )),
    "smoke": frozenset((
        "debug", "debugging", "smoke", "smoke_test", "smoketest", "profile", "profiling", "dry_run", "dryrun", "fast_dev_run", "overfit",
        "sanity", "sanity_check", "benchmark", "fdr",
    )),
    "finetune": frozenset((
        "ft", "finetune", "fine_tune", "finetuning", "fine_tuning", "full_finetune", "sft", "supervised_finetuning", "instruct",
        "instruction_tuning", "instruction_finetuning", "instruction_tuned", "lora", "qlora", "dora", "peft", "adapter", "prompt_tuning",
        "prefix_tuning", "p_tuning", "ptuning", "ia3", "glue", "superglue",
        "sentence_prediction", "sentence_ranking",  # fairseq/tasks
    )),
    "continue": frozenset(("cpt", "continue_pretrain", "continue_pretraining", "continued_pretraining", "continual_pretraining", "midtrain",
                           "midtraining", "mid_training", "anneal", "annealing")),
    "rl": frozenset((
        "rl", "dpo", "ppo", "grpo", "rlhf", "rlaif", "rloo", "kto", "orpo", "simpo", "cpo", "ipo", "gspo", "dapo", "remax", "reinforce",
        "rm", "reward", "reward_model", "reward_modeling", "online_dpo", "a2c", "sac", "dqn",
    )),
    "distill": frozenset(("distill", "distillation", "kd", "knowledge_distillation", "distil")),
    "other": frozenset(("translation", "multiclass", "multilabel", "masked_multiclass", "regression", "forecasting",
                        "segmentation", "detection", "classification", "image_classification", "text_classification",
                        "sequence_classification", "multiclass_classification", "binary_classification",
                        "multilabel_classification", "token_classification", "speech_to_text", "text_to_speech", "asr", "tts")),
}  # fmt: skip

PRESENT: Mapping[str, str] = {
    **dict.fromkeys(("answer_only_loss", "completion_only_loss", "assistant_only_loss", "train_on_input", "train_on_inputs", "mask_prompt",
                     "chat_train_urls", "supervised_data"), "finetune"),
    "kd_teacher_restore_from_path": "distill",
}  # fmt: skip
"""Keys that only code for talks (NeMo, TRL, torchtune, axolotl, litgpt, levanter) or for distillation (NeMo) has, whatever they say."""

SWITCHES: Mapping[str, str] = {
    **dict.fromkeys(("eval_only", "only_eval", "evaluate_only", "predict_only", "test_only", "only_test", "inference_only", "generate_only",
                     "sample_only", "validate_only", "skip_train", "skip_training", "no_train"), "evaluate"),
    **dict.fromkeys(("debug", "debug_mode", "is_debug", "debugging", "dry_run", "dryrun", "smoke", "smoke_test", "is_smoke_test",
                     "overfit_single_batch", "overfit_one_batch"), "smoke"),
    **dict.fromkeys(("finetune", "fine_tune", "finetuning", "fine_tuning", "is_finetune", "is_finetuning", "do_finetune", "sft", "use_lora",
                     "lora", "enable_lora", "use_peft", "peft", "use_qlora", "qlora"), "finetune"),
    **dict.fromkeys(("continue_pretrain", "continue_pretraining", "continued_pretraining", "continual_pretraining", "cpt"), "continue"),
    **dict.fromkeys(("distill", "distillation", "use_distillation", "do_distill", "do_distillation", "knowledge_distillation"), "distill"),
    **dict.fromkeys(("rlhf", "use_rlhf"), "rl"),
}  # fmt: skip
"""Switches of the run or the model that say it all when they are true."""

TRAIN_SWITCHES = frozenset(("train", "do_train", "do_training", "run_train", "run_training", "train_model", "perform_training"))
"""Switches of the run without which nothing is trained."""

LOADED = frozenset((
    "pretrained_model_path", "pretrained_model_ckpt", "pretrained_model_checkpoint", "pretrained_model_dir", "pretrained_ckpt",
    "pretrained_ckpt_path", "pretrained_checkpoint", "pretrained_checkpoint_path", "pretrained_path", "pretrained_weights",
    "pretrained_weights_path", "pretrained_dir", "pretrain_path", "pretrain_ckpt", "pretrain_checkpoint", "pretrained_from",
    "partial_pretrain",  # verl, fsdp_sft_trainer
    "init_checkpoint", "init_checkpoint_path", "init_ckpt", "init_from_checkpoint", "init_from_ckpt", "init_model_path",
    "initial_checkpoint", "restore_from_path", "restore_from_ckpt", "restore_path",  # NeMo
    "finetune_from", "finetune_from_model", "finetune_from_ckpt", "finetune_ckpt", "finetune_checkpoint", "finetune_path",  # fairseq, duo
    "load_from_pretrained", "load_weights_from", "load_weights_path", "warm_start_from", "warmstart_from", "w2v_path",
    "starting_checkpoint_load_path",  # mosaicml/examples, bert
))  # fmt: skip
"""Keys that hold where weights are loaded from, whatever stands there."""

LOADED_OR_SWITCH = frozenset(("pretrained", "use_pretrained", "load_pretrained", "from_pretrained", "init_from_pretrained", "is_pretrained",
                              "use_pretrained_weights", "load_pretrained_weights", "load_pretrained_model",
                              "initialize_from_hf"))  # fmt: skip
"""The same, or a switch: false says that nothing is loaded, and settles the keys beside it."""

LOADS_BESIDE = frozenset(("load", "load_dir", "load_path", "load_from", "load_checkpoint", "checkpoint_path", "ckpt_path"))
"""Keys beside which ``finetune: true`` tells, in whatever node it stands (Megatron's ``--load`` and ``--finetune``)."""

LOADED_BY_NAME = frozenset(("model_name_or_path", "pretrained_model_name_or_path", "base_model_name_or_path", "base_model"))
"""Names of a model on the hub, whose weights are loaded unless something says that they are random (transformers' run_clm.py)."""

HUB_NAMES = frozenset(("name", "model", "model_name", "model_id", "hf_model", "hf_name", "hf_id", "hf_model_name"))
"""Keys that may hold such a name too, as ``owner/model``; ``name`` at a node of the model only."""
HUB_NAME = r"[A-Za-z0-9][\w.-]*/(?!(small|base|medium|large|xl|tiny|debug|default|[\d._]+[mMbB]?)$)[A-Za-z0-9][\w.-]*"
TUNED_NAME = r"instruct|(^|[-_.])(chat|it|sft|dpo)($|[-_.])"
FILE_NAME = r"\.(ya?ml|json|py|toml|pt|pth|bin|ckpt|model|txt)$"
SIZES = frozenset(("n_layer", "n_layers", "num_layers", "num_hidden_layers", "n_embd", "hidden_size", "d_model", "dim", "depth", "width"))

LOADED_FILES = frozenset(("checkpoint_path", "ckpt_path", "checkpoint", "ckpt", "weights", "weights_path", "load_from", "init_from"))
"""Keys that are about weights at a node of the model only; elsewhere they resume the run."""

START_NODES = frozenset(("checkpoint", "checkpointing", "pretrained_checkpoint", "restore_from_ckpt"))
"""Nodes about what a run starts from; ``pretrained_checkpoint`` and ``restore_from_ckpt`` (NeMo) are about nothing else."""

RANDOM = frozenset(("random_init", "from_scratch", "train_from_scratch", "init_from_scratch", "pretrain_from_scratch",
                    "random_initialization", "randomly_initialize", "random_weights", "random_init_weights", "reinit_weights",
                    "from_config"))  # fmt: skip

CONTINUED = frozenset(("load_path", "initial_checkpoint_dir", "initial_load_path", "init_ckpt_path", "load_parameters_path",
                       "initialize_from_checkpoint_path", "initialize_from"))  # fmt: skip
LOADED_OR_RESUMED = frozenset(("load_path", "load_checkpoint", "load_checkpoint_path", "load_ckpt", "load_ckpt_path", "load_model_path",
                               "load_from_checkpoint", "load_from_ckpt"))  # fmt: skip
"""Where a new run takes its weights from: OLMo and Composer, litgpt, torchtitan, lingua, MaxText, levanter."""
SAVED = ("save_folder", "save_dir", "save_path", "remote_save_folder", "output_dir", "dump_dir")

LORA_NODES = frozenset(("lora", "peft", "qlora", "lora_config", "peft_config", "lora_cfg", "peft_cfg", "lora_args", "adapter"))
LORA_SIZES = frozenset(("r", "rank", "lora_r", "lora_rank", "lora_dim"))
LORA_SWITCHES = frozenset(("enabled", "enable", "use", "use_lora", "use_peft", "active", "on"))
LORA_OFF = ("use_lora", "enable_lora", "lora_enabled", "with_lora", "lora", "use_peft", "enable_peft", "peft_enabled", "with_peft", "peft")
"""Switches whose false turns off the adapters that are set beside them, and those below."""
LORA_CHOICES = frozenset(("peft_scheme", "peft_type", "peft_method", "peft", "adapter"))

TUNING_NODES: Mapping[str, str] = {
    **dict.fromkeys(("sft", "spin"), "finetune"),
    **dict.fromkeys(("ppo", "grpo", "dpo", "kto", "orpo", "rloo", "remax", "rlhf", "rm", "rs", "reinforce", "actor_rollout_ref"), "rl"),
    **dict.fromkeys(("knowledge_distillation", "distillation"), "distill"),
}
"""Nodes of a run that only such trainers have: those of NeMo-Aligner's ``trainer``, verl's ``actor_rollout_ref``."""
RL_KEYS = frozenset(("adv_estimator", "reward_model_path", "reward_model_name_or_path", "reward_pretrain", "num_ppo_epochs", "ppo_epochs"))
POST_TRAINING = frozenset(("trl", "verl", "nemo_aligner", "openrlhf", "trlx"))
"""Packages that train models which are trained already, and nothing else."""
RL_CLASSES = ("dpo", "ppo", "grpo", "rloo", "kto", "orpo", "cpo", "onlinedpo", "reward", "xpo")
TEACHERS = frozenset(("teacher", "teacher_model", "teacher_path", "teacher_model_path", "teacher_name", "teacher_name_or_path",
                      "teacher_model_name_or_path", "teacher_checkpoint", "teacher_ckpt", "teacher_checkpointer"))  # fmt: skip

EVALUATED = frozenset(("inference", "icl_tasks", "eval_gauntlet", "eval_tasks", "harness", "lm_eval", "benchmarks", "tasks"))
TESTED = frozenset(("ckpt", "ckpt_path", "ckpt_dir", "checkpoint", "checkpoint_path"))
"""Tasks and a checkpoint, which a config that has none of ``TRAINS`` in its keys evaluates."""
TRAINS = frozenset((
    "optim", "optimizer", "optimizers", "lr", "learning", "step", "steps", "epoch", "epochs", "duration", "iter", "iters", "iteration",
    "iterations", "train", "training", "pretrain", "pretraining", "update", "updates", "scheduler", "warmup", "save", "resume",
    "finetune", "finetuning", "budget",
))  # fmt: skip
TRAINED_TOKENS = frozenset(("tokens", "max_tokens", "num_tokens", "total_tokens", "n_tokens"))

# NeMo-Framework-Launcher, launcher_scripts/main.py: the stages that are not "training", by what they are for.
STAGES: Mapping[str, str] = {
    **dict.fromkeys(("data_preparation", "data_curation", "evaluation", "conversion", "conversion_hf2nemo", "external_conversion", "export",
                     "fw_inference", "ptq", "rag_indexing", "rag_generating", "autoconfigurator"), "evaluate"),
    **dict.fromkeys(("fine_tuning", "peft", "prompt_learning", "adapter_learning", "ia3_learning"), "finetune"),
    **dict.fromkeys(("rlhf_rm", "rlhf_ppo", "steerlm_reg"), "rl"),
}  # fmt: skip

CHOICE_GROUPS = frozenset(("debug", "mode", "experiment", "experiments", "exp", "run", "recipe", "task", "training", "train", "stage"))
"""Config groups whose chosen option tells what is run, by these words in its name or by its last name."""
DATA_GROUPS = frozenset(("data", "dataset", "datasets", "datamodule", "data_module", "model", "pipeline"))
OPTION_WORDS: Mapping[str, frozenset[str]] = {
    "finetune": frozenset(("ft", "finetune", "finetuning", "finetuned", "sft", "lora", "qlora", "peft")),
    "rl": frozenset(("dpo", "ppo", "grpo", "rlhf", "kto", "orpo", "rloo")),
    "other": frozenset(("classification", "classifier", "regression", "forecasting", "segmentation")),
}
NOT_SO = frozenset(("no", "non", "not", "without", "wo", "before"))
"""Words that turn around what stands beside them."""

EVIDENT: Mapping[str, frozenset[str]] = {
    "images": frozenset((
        "patch_dim", "img_h", "img_w", "img_size", "image_size", "image_resolution", "vision_pretraining_type", "global_crops_size",
        "vision_config", "vision_encoder", "vision_tower", "mm_cfg", "image_encoder", "in_chans", "unet_config", "first_stage_config",
        "image_column", "image_key",
    )),
    "audio": frozenset(("n_mels", "num_mel_bins", "mel_bins", "n_fft", "audio_mae", "audio_config", "num_audio_channels")),
    "time series": frozenset(("patch_sizes", "prediction_length", "pred_len", "forecast_horizon", "prediction_horizon", "forecast_length")),
    "an environment": frozenset(("gym_id", "env_id", "num_envs", "n_envs")),
}  # fmt: skip
"""Keys that language models do not have, by what their data are."""
HINTS: Mapping[str, frozenset[str]] = {
    "images": frozenset(("patch_size", "num_channels", "in_channels", "num_classes", "image_height", "image_width", "resolution",
                         "input_res", "crop_size", "color_jitter", "mixup", "cutmix", "drop_path_rate", "img_channels")),
    "time series": frozenset(("freq", "context_length", "label_len", "lookback", "num_variates")),
}  # fmt: skip
"""Keys of which two together say the same."""
LOSSES = frozenset(("mse", "mse_loss", "mae", "l1", "l1_loss", "huber", "bce", "bce_with_logits", "binary_cross_entropy"))
"""Losses of numbers and labels, which no language model is trained with."""
SAMPLE_RATES = ("sample_rate", "sampling_rate")
LOWEST_SAMPLE_RATE = 4_000

GLUE = frozenset(("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2", "sst_2", "stsb", "sts_b", "wnli", "boolq"))
TASKS = GLUE | {"cb", "copa", "multirc", "record", "swag", "wic", "wsc"}
"""Children of a node ``tasks`` that is trained on: GLUE and SuperGLUE (mosaicml/examples and ModernBERT, glue.py)."""

PACKAGES: Mapping[str, frozenset[str]] = {
    "images": frozenset(("torchvision", "timm", "detectron2", "mmdet", "mmseg", "diffusers", "monai", "kornia", "albumentations", "lightly",
                         "segmentation_models_pytorch", "ultralytics", "open_clip")),
    "audio": frozenset(("torchaudio", "speechbrain", "audiocraft", "encodec")),
    "time series": frozenset(("uni2ts", "gluonts", "pytorch_forecasting", "neuralforecast", "darts", "sktime", "chronos")),
    "graphs": frozenset(("torch_geometric", "dgl", "ogb")),
    "an environment": frozenset(("gym", "gymnasium", "stable_baselines3", "minigrid", "torchrl", "dm_control")),
    "tables": frozenset(("sklearn", "xgboost", "lightgbm", "catboost", "pytorch_tabular", "rtdl")),
}  # fmt: skip
KINDS: Mapping[str, frozenset[str]] = {
    "images": frozenset((
        "image", "images", "vision", "pixel", "pixels", "video", "imagenet", "imagenet1k", "imagenet21k", "tinyimagenet", "mnist",
        "fashionmnist", "cifar", "svhn", "celeba", "coco", "ffhq", "lsun", "ade20k", "places365", "kinetics", "laion", "vit", "deit",
        "swin", "resnet", "convnext", "unet", "dino", "dinov", "siglip", "yolo", "vqgan", "simclr", "simmim",
    )),
    "audio": frozenset((
        "audio", "speech", "voice", "wav2vec", "wav2vec2", "hubert", "whisper", "wavlm", "conformer", "encodec", "musicgen", "librispeech",
        "librilight", "audioset", "sc09", "vctk", "ljspeech", "speechcommands", "spectrogram", "asr", "tts", "youtubemix", "beethoven",
        "qautoaudio", "esc50",
    )),
    "time series": frozenset(("forecast", "forecasting", "timeseries", "etth", "ettm", "informer", "moirai", "chronos", "lotsa")),
    "graphs": frozenset(("gnn", "gcn", "graphormer", "ogbn", "ogbg")),
    "an environment": frozenset(("gym", "gymnasium", "atari", "mujoco", "d4rl", "cartpole", "halfcheetah", "procgen", "minigrid")),
    "tables": frozenset(("tabular", "titanic")),
    "a made-up task": frozenset(("lra", "listops", "pathfinder", "pathx", "icl_synthetics", "associative_recall", "selective_copying")),
    "texts to classify": frozenset(("imdb", "aan")) | GLUE,
    "instructions": frozenset(("alpaca", "dolly", "oasst", "oasst1", "openassistant", "gsm8k", "ultrachat", "ultrafeedback", "sharegpt",
                               "glue", "superglue", "squad", "mnli", "samsum", "openhermes", "slimorca", "natural_instructions")),
}  # fmt: skip
"""Words in the names of models, tasks and datasets, by what the data are."""
IDENTITY = frozenset(("_target_", "_component_", "class_path", "arch", "architecture", "model_type", "model_name", "dataset", "datasets",
                      "dataset_name", "dataset_names", "hf_dataset_name", "train_dataset", "train_dataset_str", "datamodule", "backbone",
                      "supported_modality", "modality", "task", "task_name", "tokenizer_name", "tokenizer_name_or_path"))  # fmt: skip
"""Keys that name a class, a model or a dataset wherever they stand; ``PLACED`` do so at nodes of a model, of data or of a task."""
PLACED = frozenset(("name", "_name", "_name_", "type", "train", "id"))
CLASSES = (
    ("images", ("forimage", "forobject", "forvideo", "forsemanticsegmentation", "fordepth")),
    ("audio", ("forctc", "foraudio", "forspeech", "forxvector")),
    ("classes", ("forsequenceclassification", "fortokenclassification", "forquestionanswering", "formultiplechoice")),
)

LANGUAGE_WORDS = frozenset((
    "vocab", "vocabulary", "tokenizer", "tokenizers", "token", "tokens", "seq", "sequence", "lm", "llm", "mlm", "clm", "bpe",
    "sentencepiece", "language", "text", "ctx", "perplexity", "ppl", "gpt", "gpt2", "bert", "llama", "transformers", "corpus", "pile",
    "dna", "protein", "genome",
))  # fmt: skip
LANGUAGE_NAMES = frozenset(("block_size", "max_length", "n_positions", "max_positions", "max_position_embeddings", "l_max",
                            "context_length", "context_size", "model_max_length", "context_window", "length"))  # fmt: skip
LANGUAGE_PARTS = ("gpt", "bert", "llama", "language", "causallm", "mamba", "wikitext", "openwebtext", "fineweb", "slimpajama",
                  "redpajama", "dolma", "tinystories", "text8", "token")  # fmt: skip
"""What speaks of a language model: words of a key, whole keys, and parts of the names of models and datasets."""

_WORD = r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+"
_LONGEST_KEPT = 100


def words_of(name: str) -> frozenset[str]:
    """Return the words of a name, also of a class in capitals, with and without the digits at their ends."""
    return _kept_words(name) if len(name) <= _LONGEST_KEPT else _words(name)


def _words(name: str) -> frozenset[str]:
    lower = name.lower()
    words = {word.lower() for word in re.findall(_WORD, name)} | set(re.split(r"[^a-z0-9]+", lower)) | set(re.split(r"[^a-z0-9_]+", lower))
    return frozenset(words | {word.rstrip("0123456789") for word in words})


_kept_words = lru_cache(maxsize=2048)(_words)
