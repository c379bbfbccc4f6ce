//! `assay reference`.

use super::{Done, Stop};
use assay_core::reference::library;
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Reference {
    /// List the figures of every model on every benchmark
    Ls {
        /// Of one benchmark alone
        #[arg(long)]
        benchmark: Option<String>,
    },
}

impl Reference {
    pub(crate) fn run(self) -> Done {
        let Self::Ls { benchmark } = self;
        let library = library();
        if let Some(word) = &benchmark
            && !library.benchmarks.contains_key(word)
        {
            let words: Vec<&str> = library.benchmarks.keys().map(String::as_str).collect();
            return Err(Stop::usage(format!(
                "no benchmark {word:?}; there are: {}",
                words.join(", ")
            )));
        }
        let mut text = String::new();
        for of in &library.results {
            if benchmark.as_ref().is_none_or(|word| *word == of.benchmark) {
                let version = library.sources.get(&of.source).map_or("", |s| &s.version);
                let line = format!(
                    "{:<14} {:<8} {:<30} {:>7}  {version}, {}  {}",
                    of.benchmark, of.metric, of.model, of.value, of.place, of.note
                );
                text += line.trim_end();
                text.push('\n');
            }
        }
        // A closed pipe is no error of ours.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}
