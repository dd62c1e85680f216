# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of the model: its files, its shape, the hub that it comes from."""

from __future__ import annotations

from .rule import rule

_COPY = "copy the whole model directory, or correct the service's model"
_RELEASE = "take a release that supports the model"
_DIVIDE = "choose a tensor-parallel size that divides it"
_TOKEN = "accept the model's terms on the hub and give the service a token that may read it (HF_TOKEN)"
_HUB = "check the host's way to the hub (DNS, proxy, HF_ENDPOINT), or give a local directory as the model"

RULES = (
    rule(
        "model_missing",
        r"Repo id must be in the form .*?: '(?P<path>/[^']*)'",
        "the model directory {path} does not exist or is not a directory",
        "put the model there or correct the service's model",
    ),
    rule(
        "model_missing",
        r"Incorrect path_or_model_id: '(?P<path>[^']*)'",
        "there is no model at {path}",
        "put the model there or correct the service's model",
    ),
    rule(
        "model_incomplete",
        r"Invalid repository ID or local directory specified: '(?P<path>[^']*)'",
        "{path} holds no config.json",
        _COPY,
    ),
    rule(
        "model_incomplete",
        r"Cannot find any model weights with `(?P<path>[^`]*)`",
        "{path} holds no weights",
        _COPY,
    ),
    rule(
        "weights_corrupt",
        r"SafetensorError|HeaderTooLarge|InvalidHeaderDeserialization|MetadataIncompleteBuffer",
        "a weights file is cut short or corrupt",
        "fetch the model again and compare its checksums",
    ),
    rule(
        "weights_do_not_fit",
        r"The size of tensor a \(\d+\) must match|size mismatch for \S+|There is no module or parameter named",
        "the weights do not fit the model's config.json",
        "fetch the model again: its files are of different models",
    ),
    rule(
        "architecture_unsupported",
        r"Model architectures \[(?P<name>[^]]*)\] are not supported",
        "this vLLM release does not support the architecture {name}",
        _RELEASE,
    ),
    rule(
        "architecture_unsupported",
        r"model type `(?P<name>[^`]*)` but Transformers does not recognize this architecture",
        "the installed Transformers does not know the model type {name}",
        _RELEASE,
    ),
    rule(
        "architecture_unsupported",
        r"(?P<name>\w+) has no vLLM implementation and the Transformers",
        "this vLLM release does not support the architecture {name}",
        _RELEASE,
    ),
    rule(
        "remote_code",
        r"contains custom code which must be executed"
        r"|[Pp]lease pass the argument `trust_remote_code=True`|setting `trust_remote_code=True`",
        "the model brings its own code, which vLLM runs only when told to",
        "read that code, pin the model's revision, then set trust_remote_code in the service's args",
    ),
    rule(
        "quantization",
        r"Unknown quantization method: (?P<name>\w+)",
        "there is no quantization {name} in this release",
        "correct quantization in the service's args",
    ),
    rule(
        "quantization",
        r"quantization method (?P<name>\w+) is not supported for the current GPU",
        "this GPU cannot use the quantization {name}",
        "take a GPU that supports it, or another form of the model",
    ),
    rule(
        "context_too_long",
        r"User-specified max_model_len \((?P<len>\d+)\) is greater than the derived max_model_len "
        r"\((?P<limit>[\w.=]+)",
        "max_model_len {len} is more than the model has ({limit})",
        "lower max_model_len",
    ),
    rule(
        "does_not_divide",
        r"(?P<what>Total number of attention heads|[\w ]*(?:heads|size)) \((?P<n>\d+)\) must be divisible by"
        r" (?P<by>[\w ]+) \((?P<m>\d+)\)",
        "{what} ({n}) must be divisible by the {by} ({m})",
        _DIVIDE,
    ),
    rule("does_not_divide", r"(?P<n>\d+) is not divisible by (?P<m>\d+)", "{n} is not divisible by {m}", _DIVIDE),
    rule(
        "hub_gated",
        r"GatedRepoError|gated repo|Access to model \S+ is restricted",
        "the model is gated on the hub and this host may not read it",
        _TOKEN,
        because=r"Access to model \S+ is restricted",
    ),
    rule(
        "hub_token",
        r"Invalid credentials in Authorization header|Invalid user token",
        "the hub refuses the token",
        _TOKEN,
    ),
    rule(
        "hub_no_model",
        r"(?P<name>\S+) is not a local folder and is not a valid model identifier",
        "the hub has no model {name}, or hides it from this host",
        "correct the service's model, or give it a token (HF_TOKEN)",
    ),
    rule(
        "hub_no_model",
        r"RepositoryNotFoundError|RevisionNotFoundError",
        "the hub has no such model or revision, or hides it from this host",
        "correct the service's model and revision, or give it a token (HF_TOKEN)",
        because=r"is not a local folder and is not a valid model identifier",
    ),
    rule(
        "hub_offline",
        r"outgoing traffic has been disabled|OfflineModeIsEnabled|offline mode is enabled",
        "the model is not on this host and the hub is switched off (HF_HUB_OFFLINE)",
        "fetch the model first, or give its directory as the model",
    ),
    rule(
        "hub_unreachable",
        r"We couldn't connect to '\S*' to load|trying to locate the file on the Hub and we cannot find"
        r"|Max retries exceeded with url",
        "the hub cannot be reached",
        _HUB,
        permanent=False,
        because=r"We couldn't connect to '",
    ),
)
