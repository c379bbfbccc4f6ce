"""TRL's GRPO at the shapes of grpo-cpu.yaml. Prints one JSON line: seconds of each step.

Run by `cargo xtask bench grpo-cpu`, in an environment that has trl and torch.
"""

import json
import sys
import tempfile
import time

import torch
from datasets import Dataset
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

STEPS = int(sys.argv[1])
PROMPTS, GROUP, NEW = 16, 8, 64
ALPHABET = "0123456789+-*=;A"

torch.set_num_threads(2)
torch.manual_seed(0)
vocab = {mark: i for i, mark in enumerate(["<pad>", "<bos>", "<eos>", *ALPHABET])}
tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<pad>"))
tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", padding_side="left"
)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(vocab), hidden_size=128, intermediate_size=512, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=96,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False,
    )
)
# Prompts of the same length as modchain's with seven operations.
draw = torch.Generator().manual_seed(1)
text = lambda: "".join(ALPHABET[i] for i in torch.randint(0, 10, (17,), generator=draw))
data = Dataset.from_list([{"prompt": text()} for _ in range(PROMPTS * STEPS)])


class Clock(TrainerCallback):
    seconds = []

    def on_step_begin(self, *_, **__):
        self.began = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.began)


lengths = []


def reward(completion_ids, **_):
    lengths.extend(len(c) for c in completion_ids)
    return [float(c[0] % 2) for c in completion_ids]


with tempfile.TemporaryDirectory() as folder:
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=reward,
        train_dataset=data,
        callbacks=[Clock()],
        args=GRPOConfig(
            output_dir=folder, use_cpu=True, bf16=False, report_to="none", save_strategy="no",
            per_device_train_batch_size=PROMPTS * GROUP, gradient_accumulation_steps=1,
            num_generations=GROUP, max_completion_length=NEW, max_steps=STEPS, learning_rate=3e-4,
            beta=0.0, temperature=1.0, gradient_checkpointing=False, logging_steps=1000, disable_tqdm=True,
            generation_kwargs={"min_new_tokens": NEW},
        ),
    )
    trainer.train()
assert set(lengths) == {NEW}, f"completions are not all of {NEW} tokens: {sorted(set(lengths))}"
print(json.dumps({"parameters": model.num_parameters(), "seconds": Clock.seconds}))
