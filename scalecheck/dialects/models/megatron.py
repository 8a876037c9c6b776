"""NVIDIA NeMo 1.x and 2.x: the model node of a config for its Megatron models, under any prefix (``model``, ``training.model``).

GPT, BERT and encoder-decoders have many keys in common, and so have NeMo's vision models and hybrids: what a key, or the name of the run,
gives away as another model is refused. NeMo's code is nemo/collections/nlp/models/language_modeling in NVIDIA/NeMo.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, join, said
from scalecheck.vocabulary import Tokenizer, Vocabulary

RANK = 0
SPELLINGS: Keys = {}
_SIZES = {"num_layers", "hidden_size", "num_attention_heads"}
_ONLY_NEMO_HAS = {
    "mcore_gpt", "mcore_bert", "mcore_t5", "bert_binary_head", "megatron_amp_O2", "native_amp_init_scale", "native_amp_growth_interval",
    "make_vocab_size_divisible_by", "encoder_seq_length", "apex_transformer_log_level", "gradient_as_bucket_view", "sync_batch_comm",
    "grad_allreduce_chunk_size_mb", "share_embeddings_and_output_weights", "share_token_embeddings", "tensor_model_parallel_size",
    "share_decoder_tokens_head_embeddings", "virtual_pipeline_model_parallel_size",
}  # fmt: skip
_ENOUGH = 3
_OF_ARGUMENTS = (
    "untie_embeddings_and_output_weights",
    "swiglu",
    "group_query_attention",
    "disable_bias_linear",
    "add_qkv_bias",
    "num_experts",
)
_OF_FALCON = {"new_decoder_architecture", "parallel_attention"}  # read by the layer of that name alone
_VISION = ("patch_dim", "img_h", "img_w", "num_classes", "vision_pretraining_type", "vision", "mm_cfg", "in_channels", "unet_config")
# What each key has to be, if it is there, for the model to be the plain one; "" stands for absent, null and false.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "headscale": (), "hyena": (), "retro": (), "hiddens": (), "multi_query_attention": (), "multi_latent_attention": (), "q_lora_rank": (),
    "qk_layernorm": (), "use_esm_attention": (), "use_emha": (), "mtp_num_layers": (), "hybrid_override_pattern": (),
    "hybrid_attention_ratio": (), "hybrid_mlp_ratio": (), "mamba_ssm_ngroups": (), "mamba_state_dim": (), "logits_soft_cap": (),
    "heterogeneous_layers_config_path": (), "enc_num_layers": (), "dec_num_layers": (), "moe_layer_freq": (1,), "moe_frequency": (1,),
    "attention_type": ("multihead",), "transformer_block_type": ("pre_ln",), "arch": ("transformer",), "encoder_arch": ("transformer",),
    "name": ("te_gpt", "megatron_gpt_full_te_layer_autocast", "modelopt"), "relative_position_bias_self_attention_only": (True,),
}  # fmt: skip
_OTHERS = r"griffin|mamba|hyena|retro|falcon|gemma_?2|gemma_?3|neva|vila|clip|_vit|vit_|_dit|imagen|esm|deepseek|nmt|speech|t0"
_KNOWN = r"gpt|llama|mistral|mixtral|qwen_?2|starcoder|gemma|chatglm|baichuan|nemotron|bert|t5|ul2|bart"
# Rows of the vocabulary that NeMo's megatron library downloads, or that the file of that name has; Megatron-LM's names for them.
_BY_TYPE = {
    "GPT2BPETokenizer": 50257, "megatron-gpt-345m": 50257, "BertWordPieceLowerCase": 30522, "BertWordPieceCase": 28996,
    "megatron-bert-345m-uncased": 30522, "megatron-bert-345m-cased": 28996, "megatron-bert-uncased": 30522, "megatron-bert-cased": 28996,
}  # fmt: skip
_FILES = ("vocab_file", "merge_file", "model")
_UL2_TOKENS = 3


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes with the sizes of a Megatron model, or of an encoder and a decoder below, and at least three keys of NeMo alone."""
    return survey.by_names(_roots)


def _roots(survey: Survey) -> tuple[str, ...]:
    named = [(node, set(children)) for node, children in survey.nodes.items() if len(_ONLY_NEMO_HAS.intersection(children)) >= _ENOUGH]
    return tuple(node for node, names in named if names >= _SIZES or _has_stacks(survey, node))


def _has_stacks(survey: Survey, node: str) -> bool:
    return all(set(survey.nodes.get(join(node, stack), ())) >= _SIZES for stack in ("encoder", "decoder"))


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell GPT, BERT or encoder-decoder, or refuse a model that another key, or its name, says it is."""
    names = set(view.keys(root))
    foreign = _foreign(view, root, names)
    if foreign is not None:
        return foreign
    if "encoder" in names and set(view.keys(join(root, "encoder"))) >= _SIZES:
        return _encoder_decoder(view, root, names)
    if names & {"share_token_embeddings", "mcore_t5", "pipeline_model_parallel_split_rank"}:
        return _refused(root, "", "has an encoder-decoder's keys and no nodes encoder and decoder, which are counted alone")
    return _bert(view, root, names) if names & {"bert_binary_head", "mcore_bert"} else _gpt(view, root, names)


def _foreign(view: View, root: str, names: set[str]) -> Unknown | None:
    for name in _VISION:
        if name in names and view.get(join(root, name)) is not None:
            return _refused(root, name, "is set: it is a model of images, not a language model")
    named = _names(view, root)
    for key, value in named.items():
        if re.search(_OTHERS, value):
            return refused(key, f"{key} is {value}, which is not counted")
    mixed = [name for name in _OF_ARGUMENTS if name in names and view.get(join(root, name)) is not None]
    if mixed:
        return _refused(root, mixed[0], "is an argument of Megatron-LM, and the other keys are NeMo's: their defaults differ")
    custom = join(root, "mcore_customization_config")
    places = [root, *(join(root, stack) for stack in ("encoder", "decoder") if stack in names)]
    for place in places:
        for name in [name for name in view.keys(place) if name in _PLAIN]:
            if not _is_plain(view.get(join(place, name)), name, "bert_binary_head" in names):
                return _refused(place, name, f"is {said(view.get(join(place, name)))}, which is not counted")
    for name in set(view.keys(custom)) - _OF_FALCON:
        if view.get(join(custom, name)) not in (None, False, 0):
            return _refused(custom, name, f"is {said(view.get(join(custom, name)))}: a layer other than Megatron core's")
    return None


def _is_plain(value: Any, name: str, is_bert: bool) -> bool:
    if name == "transformer_block_type" and is_bert:
        return True  # its family reads it
    return value in (None, False, "", *_PLAIN[name])


def _names(view: View, root: str) -> dict[str, str]:
    """Return what names the model or its run: NeMo's own configs call a GPT ``megatron_gpt``."""
    parent = root.rpartition(".")[0]
    nodes = [(parent, "name"), (join(parent, "exp_manager"), "name"), (join(parent, "run"), "name")] if root else []
    keys = [join(node, name) for node, name in nodes if name in view.keys(node)]
    values = {key: view.get(key) for key in keys}
    return {key: value.lower() for key, value in values.items() if isinstance(value, str)}


def _gpt(view: View, root: str, names: set[str]) -> FamilyClaim | Unknown:
    core = view.get(join(root, "mcore_gpt")) if "mcore_gpt" in names else None
    groups, heads = (view.get(join(root, name)) if name in names else None for name in ("num_query_groups", "num_attention_heads"))
    experts = view.get(join(root, "num_moe_experts")) if "num_moe_experts" in names else None
    if isinstance(core, Unreadable):
        return _refused(root, "mcore_gpt", f"cannot be read ({core.reason})")
    if not core and groups not in (None, heads):
        return _refused(root, "num_query_groups", f"is {said(groups)}, and NeMo groups queries with mcore_gpt=true alone")
    if not core and experts not in (None, 1):
        return _refused(root, "num_moe_experts", f"is {said(experts)}, and NeMo's GPT has experts with mcore_gpt=true alone")
    told = next((f"{key} is {name}" for key, name in _names(view, root).items() if re.search(_KNOWN, name)), None)
    because = f"{join(root, 'mcore_gpt')} is true" if core else told or f"{root or 'the root'} has the keys of NeMo's MegatronGPTModel"
    assumed = told is None and core is not True
    return FamilyClaim(family="megatron_gpt", because=because, key=root or None, class_name="MegatronGPTModel of NeMo", assumed=assumed)


def _bert(view: View, root: str, names: set[str]) -> FamilyClaim | Unknown:
    core = view.get(join(root, "mcore_bert")) if "mcore_bert" in names else None
    if "bert_binary_head" not in names or not isinstance(view.get(join(root, "bert_binary_head")), bool):
        return _refused(root, "bert_binary_head", "is not true or false, and NeMo's BERT is built with or without the second head")
    plain: dict[str, tuple[Any, ...]] = {
        "position_embedding_type": ("learned_absolute",), "activation": ("gelu",), "bias": (True,), "add_lm_head": (True,),
        "normalization": ("layernorm", "layernorm1p"), "share_embeddings_and_output_weights": (True,) if not core else (True, False),
        "num_query_groups": (view.get(join(root, "num_attention_heads")),), "num_moe_experts": (1,),
    }  # fmt: skip
    for name in [name for name in plain if name in names]:
        value = view.get(join(root, name))
        if value is not None and value not in plain[name]:
            return _refused(root, name, f"is {said(value)}, with which NeMo's BERT is not counted")
    because = f"{join(root, 'bert_binary_head')} is set"
    claim = FamilyClaim(family="nemo_bert", because=because, key=root or None, class_name="MegatronBertModel of NeMo")
    return claim if core or "add_pooler" in names or view.get(join(root, "bert_binary_head")) else _with_a_doubtful_pooler(claim)


def _with_a_doubtful_pooler(claim: FamilyClaim) -> FamilyClaim:
    """NeMo 1 has the pooler with the second head alone, NeMo 2 without it too: the config does not tell the release."""
    doubt = "NeMo 2 builds a pooler where add_pooler is not set; NeMo 1 has none without bert_binary_head"
    return replace(claim, assumed=True, because=f"{claim.because}, read as NeMo 2 does: {doubt}", presets={"add_pooler": (True, doubt)})


def _encoder_decoder(view: View, root: str, names: set[str]) -> FamilyClaim | Unknown:
    doubled = sorted(_SIZES & names)
    if doubled:
        return _refused(root, doubled[0], f"stands beside {join(root, 'encoder')}, which has one of its own")
    for stack in ("encoder", "decoder"):
        node = join(root, stack)
        experts = view.get(join(node, "num_moe_experts")) if "num_moe_experts" in view.keys(node) else None
        if experts not in (None, 1):
            return _refused(node, "num_moe_experts", f"is {said(experts)}, and experts of NeMo's encoder-decoders are not counted")
    because = f"{join(root, 'encoder')} and {join(root, 'decoder')} are the stacks of NeMo's MegatronLMEncoderDecoderModel"
    return FamilyClaim(family="nemo_t5", because=because, key=root or None, class_name="MegatronLMEncoderDecoderModel of NeMo")


def vocabulary(survey: Survey, root: str, tokenizer: Tokenizer | None) -> Vocabulary | None:
    """Return the tokens of the tokenizer, before padding: of its file where that was read, else what a type of that name has.

    T5's models add ``num_sentinel_tokens``, and three more for UL2 (``add_special_tokens_to_tokenizer`` of megatron_t5_model.py).
    """
    view, node = survey.view, join(root, "tokenizer")
    override = join(root, "override_vocab_size")
    told = view.get(override) if "override_vocab_size" in view.keys(root) else None
    if type(told) is int and told > 0:
        return Vocabulary(rows=told, key=override, because=f"{override}, which is not padded")
    library, kind = (view.get(join(node, name)) if name in view.keys(node) else None for name in ("library", "type"))
    added, because = _sentinels(view, root, node)
    size = _BY_TYPE.get(kind) if library == "megatron" and isinstance(kind, str) else None
    of_file = tokenizer is not None and tokenizer.key.rpartition(".")[2] in _FILES
    if tokenizer is not None and (of_file or size is None):
        doubtful = library not in ("huggingface", "megatron") or (library == "huggingface" and added > 0)  # it may have them already
        doubtful = doubtful or tokenizer.is_stated  # NeMo asks the tokenizer itself
        return Vocabulary(rows=tokenizer.size + added, key=tokenizer.key, because=f"{tokenizer.because}{because}", assumed=doubtful)
    if size is None:
        return None
    file = view.get(join(node, "vocab_file")) if "vocab_file" in view.keys(node) else None
    beside = "" if file is None else f", if {join(node, 'vocab_file')} is the file of that name: it cannot be read here"
    key = join(node, "type")
    return Vocabulary(rows=size + added, key=key, because=f"{kind} has {size:,} tokens{because}{beside}", assumed=file is not None)


def _sentinels(view: View, root: str, node: str) -> tuple[int, str]:
    if "encoder" not in view.keys(root):
        return 0, ""
    told = view.get(join(node, "num_sentinel_tokens")) if "num_sentinel_tokens" in view.keys(node) else None
    kind = view.get(join(root, "data.dataset_type")) if "dataset_type" in view.keys(join(root, "data")) else None
    added = (told if isinstance(told, int) and told > 0 else 0) + (_UL2_TOKENS if kind == "ul2" else 0)
    return added, f" and {added} that NeMo adds for masked spans" if added else ""


def _refused(root: str, name: str, what: str) -> Unknown:
    key = join(root, name) if name else root
    return refused(key or None, f"{key or 'the root'} {what}")
