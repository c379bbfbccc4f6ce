//! A model that was pretrained elsewhere.

use super::reader::{Reader, params};

params! {
    /// A folder of Hugging Face's layout below the worker's `--data`: `config.json`,
    /// `tokenizer.json` and safetensors.
    pub struct CheckpointParams {
        pub folder: String = String::new();
        /// sha256 over the folder's weights and tokenizer, as `assay-worker checkpoint`
        /// prints it: the result belongs to these files and no others.
        pub fingerprint: String = String::new();
    }
}

impl CheckpointParams {
    pub fn check(&self, reader: &Reader<'_>) {
        if let Err(message) = check_path(&self.folder) {
            reader.report("folder", message);
        }
        check_sha256(reader, "fingerprint", &self.fingerprint);
    }
}

/// A path below a folder: relative, and never out of it.
pub fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("is required: a path below the worker's --data folder".into());
    }
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.contains(['\\', ':'])
            && !part.contains(char::is_control)
    };
    match path.split('/').all(plain) {
        true => Ok(()),
        false => Err("must be a plain relative path, without `..`".into()),
    }
}

pub fn check_sha256(reader: &Reader<'_>, key: &'static str, value: &str) {
    let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if value.len() != 64 || !value.chars().all(hex) {
        reader.report(
            key,
            "is required: a sha256, 64 lower-case hexadecimal digits",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_folder_are_taken() {
        for good in ["smollm2", "gsm8k/train.jsonl", "a b/ü.jsonl"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/./b",
            "c:\\x",
            "a\n",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
