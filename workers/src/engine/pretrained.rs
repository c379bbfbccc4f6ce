//! A model that was pretrained elsewhere: a folder of Hugging Face's layout
//! (`config.json`, `tokenizer.json`, safetensors) becomes the weights that later stages
//! start from. Llama, Qwen2 and Qwen3 decoders.

use super::checkpoint::{assemble, float_tensors, weights_to_bytes};
use super::eval::{self, Plan};
use super::inputs::models_over;
use super::model::Outputs;
use super::progress::Progress;
use super::tokenizer::Tokenizer;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::ledger::purpose;
use assay_core::spec::ModelSpec;
use assay_core::spec::checkpoint::CheckpointParams;
use assay_core::task::{Split, TaskSpec};
use assay_core::wire::{Cumulative, EvaluationRecord, Level, Record, role};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};

fn unfit(message: impl Into<String>) -> EngineError {
    EngineError::BadConfig(message.into())
}

/// What `config.json` says, as far as it decides anything here.
#[derive(Debug, Deserialize)]
struct Config {
    model_type: String,
    vocab_size: u32,
    hidden_size: u32,
    intermediate_size: u32,
    num_hidden_layers: u32,
    num_attention_heads: u32,
    num_key_value_heads: Option<u32>,
    head_dim: Option<u32>,
    max_position_embeddings: u32,
    #[serde(default = "epsilon")]
    rms_norm_eps: f64,
    #[serde(default = "silu")]
    hidden_act: String,
    rope_theta: Option<f64>,
    rope_scaling: Option<Rope>,
    /// Where newer files have both of these.
    rope_parameters: Option<Rope>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    use_sliding_window: bool,
    eos_token_id: Option<Ids>,
}

#[derive(Debug, Deserialize)]
struct Rope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u32),
    Several(Vec<u32>),
}

fn epsilon() -> f64 {
    1e-6
}

fn silu() -> String {
    "silu".into()
}

impl Config {
    fn read(folder: &Path) -> Result<Self> {
        let text = read_text(&folder.join("config.json"))?;
        serde_json::from_str(&text)
            .map_err(|e| unfit(format!("{}/config.json: {e}", folder.display())))
    }

    /// The shape in our words.
    ///
    /// # Errors
    /// Names what a model has that this engine does not compute.
    fn model(&self) -> Result<ModelSpec> {
        let (qkv_bias, qk_norm) = match self.model_type.as_str() {
            "llama" => (false, false),
            "qwen2" => (true, false),
            "qwen3" => (false, true),
            other => {
                return Err(unfit(format!(
                    "a model of type {other:?}; llama, qwen2 and qwen3 can be loaded"
                )));
            }
        };
        let ropes = [&self.rope_scaling, &self.rope_parameters];
        let scaled = ropes
            .iter()
            .filter_map(|r| r.as_ref()?.rope_type.as_deref());
        for (not, what) in [
            (self.attention_bias, "attention_bias".to_string()),
            (self.mlp_bias, "mlp_bias".to_string()),
            (self.use_sliding_window, "use_sliding_window".to_string()),
            (
                self.hidden_act != "silu",
                format!("hidden_act {:?}", self.hidden_act),
            ),
        ]
        .into_iter()
        .chain(scaled.map(|s| (s != "default", format!("rope_scaling of type {s:?}"))))
        {
            if not {
                return Err(unfit(format!(
                    "the model has {what}, which is not computed"
                )));
            }
        }
        let newer = self.rope_parameters.as_ref().and_then(|r| r.rope_theta);
        let end = match &self.eos_token_id {
            Some(Ids::One(id)) => Some(*id),
            Some(Ids::Several(ids)) => ids.first().copied(),
            None => None,
        };
        let regular = self.hidden_size / self.num_attention_heads.max(1);
        Ok(ModelSpec {
            layers: self.num_hidden_layers,
            d_model: self.hidden_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            d_ff: self.intermediate_size,
            context: self.max_position_embeddings,
            rope_theta: newer.or(self.rope_theta).unwrap_or(10_000.0),
            norm_eps: self.rms_norm_eps,
            qkv_bias,
            tied_head: self.tie_word_embeddings,
            head_width: self.head_dim.filter(|width| *width != regular),
            qk_norm,
            vocabulary: Some(self.vocab_size),
            end_token: Some(end.ok_or_else(|| unfit("config.json names no eos_token_id"))?),
        })
    }
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| unfit(format!("{}: {e}", path.display())))
}

/// The folder's files of weights.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index = folder.join("model.safetensors.index.json");
    if !index.exists() {
        return Ok(vec![folder.join("model.safetensors")]);
    }
    let index: Index = serde_json::from_str(&read_text(&index)?)
        .map_err(|e| unfit(format!("{}: {e}", index.display())))?;
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    names
        .into_iter()
        .map(|name| {
            assay_core::spec::checkpoint::check_path(name)
                .map_err(|e| unfit(format!("the index names {name:?}: {e}")))?;
            Ok(folder.join(name))
        })
        .collect()
}

/// sha256 over the names and hashes of the weights and the tokenizer.
pub fn fingerprint(folder: &Path) -> Result<String> {
    let mut files = weight_files(folder)?;
    files.push(folder.join("tokenizer.json"));
    let mut all = Sha256::new();
    for path in files {
        let mut file =
            std::fs::File::open(&path).map_err(|e| unfit(format!("{}: {e}", path.display())))?;
        let mut own = Sha256::new();
        let mut part = vec![0; 1 << 20];
        loop {
            match file.read(&mut part)? {
                0 => break,
                n => own.update(&part[..n]),
            }
        }
        let name = path.strip_prefix(folder).unwrap_or(&path);
        all.update(format!(
            "{} {}\n",
            name.display(),
            hex::encode(own.finalize())
        ));
    }
    Ok(hex::encode(all.finalize()))
}

/// The shape of a folder's model, with the context that it was trained for.
pub fn shape(folder: &Path) -> Result<ModelSpec> {
    Config::read(folder)?.model()
}

/// The weights, flat and float on the CPU.
pub fn load(folder: &Path, spec: &ModelSpec, vocab: u32) -> Result<Tensor> {
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    for path in weight_files(folder)? {
        let bytes = std::fs::read(&path).map_err(|e| unfit(format!("{}: {e}", path.display())))?;
        tensors.extend(float_tensors(&bytes)?);
    }
    // Tables that can be computed, and a tied head that was written out.
    tensors.retain(|name, _| {
        let written_out = spec.tied_head && name == "lm_head.weight";
        !(written_out || name.ends_with("rotary_emb.inv_freq"))
    });
    assemble(spec, vocab, Outputs::Tokens, tensors).map_err(|e| unfit(e.to_string()))
}

/// What is to be written into an experiment file for a folder.
pub fn describe(folder: &Path) -> Result<String> {
    let spec = shape(folder)?;
    let name = folder
        .file_name()
        .map_or("".into(), |n| n.to_string_lossy());
    let model = serde_json::to_value(&spec).map_err(|e| EngineError::Other(e.to_string()))?;
    let fields: Vec<String> = model
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    Ok(format!(
        "# {} parameters; a smaller context takes less memory\n- id: base\n  kind: checkpoint\n  folder: {name}\n  fingerprint: \"{}\"\n  model: {{ {} }}\n",
        spec.parameters(spec.vocabulary.unwrap_or(0)),
        fingerprint(folder)?,
        fields.join(", "),
    ))
}

/// The stage: checks that the files are those that the experiment names, and that its
/// questions fit; hands the weights on with their tokenizer.
pub fn run(
    context: &StageContext,
    params: &CheckpointParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let spec = &context.spec;
    let data = context.data.as_deref().ok_or_else(|| {
        unfit("this worker has no --data folder, which checkpoints are read from")
    })?;
    let folder = data.join(&params.folder);
    let found = fingerprint(&folder)?;
    if found != params.fingerprint {
        return Err(unfit(format!(
            "{} has fingerprint {found}, the experiment names {}",
            folder.display(),
            params.fingerprint
        )));
    }
    fits(&shape(&folder)?, &spec.model)?;
    let source = read_text(&folder.join("tokenizer.json"))?;
    let tokenizer = Tokenizer::subwords(&source, spec.model.end_of_text())?;
    if tokenizer.size() > spec.vocab() as usize {
        return Err(unfit(format!(
            "the tokenizer has {} tokens, the model {}",
            tokenizer.size(),
            spec.vocab()
        )));
    }
    lengths(&spec.task, &tokenizer)?;
    recorder.record(Record::Started {
        from_step: 0,
        host: context.host.clone(),
    })?;
    let weights = load(&folder, &spec.model, spec.vocab())?;
    recorder.record(Record::Event {
        step: 0,
        level: Level::Info,
        text: format!(
            "{} parameters from {}",
            spec.model.parameters(spec.vocab()),
            params.folder
        ),
    })?;
    measure(context, &weights, &tokenizer, recorder)?;
    let file = weights_to_bytes(
        &spec.model,
        &tokenizer,
        spec.vocab(),
        Outputs::Tokens,
        &weights,
    )?;
    recorder.artifact(role::OUTPUT, 0, &file)
}

/// The experiment may ask for a shorter context, and for nothing else.
fn fits(found: &ModelSpec, asked: &ModelSpec) -> Result<()> {
    let same = ModelSpec {
        context: asked.context,
        ..found.clone()
    };
    if asked != &same {
        let text = |spec| serde_json::to_string(spec).unwrap_or_default();
        return Err(unfit(format!(
            "the files hold another model than the experiment names\nfiles: {}\nexperiment: {}",
            text(&same),
            text(asked)
        )));
    }
    if asked.context > found.context {
        return Err(unfit(format!(
            "the model was trained for a context of {}, the experiment asks for {}",
            found.context, asked.context
        )));
    }
    Ok(())
}

/// Every question and solution in tokens, against what the task's settings say.
fn lengths(task: &TaskSpec, tokenizer: &Tokenizer) -> Result<()> {
    let TaskSpec::Questions(questions) = task else {
        return Err(unfit("a checkpoint works on the task \"questions\""));
    };
    let (mut prompt, mut solution) = (0, 0);
    for item in questions.bank().items() {
        let text = &item.problem.prompt;
        prompt = prompt.max(tokenizer.try_encode(text, true)?.len());
        if let Some(text) = &item.solution
            && task.split(&item.problem) == Split::Train
        {
            // The marks of the answer's form come to fewer than these.
            const FORM: usize = 32;
            solution = solution.max(tokenizer.try_encode(text, false)?.len() + FORM);
        }
    }
    for (what, longest, most) in [
        ("max_prompt_tokens", prompt, questions.max_prompt_tokens),
        (
            "max_solution_tokens",
            solution,
            questions.max_solution_tokens,
        ),
    ] {
        if longest > most as usize {
            return Err(unfit(format!(
                "the longest takes {longest} tokens, and task/{what} is {most}"
            )));
        }
    }
    Ok(())
}

/// How well it does before anything is trained.
fn measure(
    context: &StageContext,
    weights: &Tensor,
    tokenizer: &Tokenizer,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let Some(validation) = &context.spec.validation else {
        return Ok(());
    };
    let flat = weights.to_device(context.device);
    let flat = match context.device.is_cuda() {
        true => flat.to_kind(Kind::BFloat16),
        false => flat,
    };
    let mut models = models_over(context, Outputs::Tokens, &flat, false);
    let task = &context.spec.task;
    let problems = task.fixed_problems(Split::Validation, validation.problems);
    let plan = Plan::from(validation);
    let mut progress = Progress::new(Default::default(), context.device);
    let measured = eval::measure(
        context,
        &mut models,
        tokenizer,
        &problems,
        plan,
        "validation",
    )?;
    progress.book(
        purpose::EVALUATION,
        measured.cost.tokens,
        measured.cost.flops,
    );
    let metrics = measured.validation_metrics();
    let cum = Cumulative::default();
    recorder.record(Record::Step {
        step: 0,
        cum,
        metrics,
    })?;
    recorder.record(Record::Evaluation(EvaluationRecord {
        step: 0,
        split: Split::Validation,
        milestone: Some(100),
        cum,
        temperature: plan.temperature,
        top_p: plan.top_p,
        max_completion_length: plan.max_completion_length,
        items: measured.items,
    }))?;
    recorder.record(Record::Ledger {
        step: 0,
        costs: std::mem::take(&mut progress.pending),
        supervision: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests;
