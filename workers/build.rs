//! Tells the binary where libtorch is, so that it starts without LD_LIBRARY_PATH.
//! `.libtorch/env` is written by `cargo xtask libtorch`.

use std::path::Path;

fn main() {
    let env = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.libtorch/env");
    println!("cargo::rerun-if-changed={}", env.display());
    let Ok(text) = std::fs::read_to_string(&env) else {
        return;
    };
    let Some(folders) = text
        .lines()
        .find_map(|line| line.strip_prefix("LIBRARY_PATH="))
    else {
        return;
    };
    // RPATH, not RUNPATH: it also serves the libraries that libtorch itself needs.
    println!("cargo::rustc-link-arg=-Wl,--disable-new-dtags");
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
