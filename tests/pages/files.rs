//! Stored files of a run, as they are downloaded from its page.

use crate::app::App;
use crate::seed::Until;
use crate::{page, run_link, seeded};
use sha2::{Digest, Sha256};

/// The run of a seed, and what its own stage has left: the content and its hash.
fn left(app: &App, experiment: &str, seed: u64) -> (String, String, String) {
    let run = run_link(&page(app, experiment), "GRPO from the base", seed);
    let view = app.get(&format!("/api/v1{run}")).json();
    let stages = view["stages"].as_array().unwrap();
    let stage = stages.iter().find(|s| s["kind"] == "grpo").unwrap();
    let weights = format!("weights of {}", stage["stage"].as_str().unwrap());
    let sha256 = hex::encode(Sha256::digest(&weights));
    (run, weights, sha256)
}

fn put(app: &App, sha256: &str, content: &str) {
    let path = app.state().artifacts.path(&sha256.parse().unwrap());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

#[test]
fn a_stored_file_is_downloaded_whole_under_a_safe_name_and_by_its_hash() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let experiment = format!("/experiments/{id}");
    let (run, weights, sha256) = left(&app, &experiment, 1);
    let path = format!("{run}/files/{sha256}");
    assert!(page(&app, &run).contains(&format!("<a href=\"{path}\" download>")));
    // Its row is there before the file is.
    assert_eq!(app.get(&path).status, 404);
    put(&app, &sha256, &weights);
    let answer = app.get(&path);
    assert_eq!((answer.status, &answer.text), (200, &weights));
    let tag = format!("\"{sha256}\"");
    let length = weights.len().to_string();
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", length.as_str()),
        ("etag", tag.as_str()),
        ("x-content-type-options", "nosniff"),
        (
            "content-disposition",
            "attachment; filename=\"arm-1-seed1-grpo-output-step40.safetensors\"",
        ),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let again = app.send("GET", &path, &[("if-none-match", &tag)], ());
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let other = app.send("GET", &path, &[("if-none-match", "\"0\"")], ());
    assert_eq!(other.status, 200);
}

#[test]
fn an_address_holds_no_file_that_its_run_does_not_refer_to() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let experiment = format!("/experiments/{id}");
    let (one, weights, sha256) = left(&app, &experiment, 1);
    let (other, ..) = left(&app, &experiment, 2);
    put(&app, &sha256, &weights);
    assert_eq!(app.get(&format!("{one}/files/{sha256}")).status, 200);
    let nobody = "/runs/01234567-89ab-7def-8123-456789abcdef";
    for (path, status) in [
        (format!("{other}/files/{sha256}"), 404),
        (format!("{nobody}/files/{sha256}"), 404),
        (format!("{one}/files/{}", "0".repeat(64)), 404),
        (format!("{one}/files/{}", sha256.to_uppercase()), 400),
        (format!("{one}/files/..%2f..%2fadmin.token"), 400),
        (format!("{one}/files/{}", &sha256[1..]), 400),
    ] {
        let answer = app.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(!answer.text.contains(&weights));
    }
}

#[test]
fn outside_loopback_files_need_a_login_as_pages_do() {
    let app = App::start_with("0.0.0.0:0", |_| {});
    let path = format!(
        "/runs/01234567-89ab-7def-8123-456789abcdef/files/{}",
        "0".repeat(64)
    );
    let status = |headers: &[(&str, &str)]| app.send("GET", &path, headers, ()).status;
    assert_eq!(status(&[]), 401);
    let worker = format!("Bearer {}", app.worker);
    assert_eq!(status(&[("authorization", &worker)]), 401);
    let admin = format!("Bearer {}", app.admin);
    assert_eq!(status(&[("authorization", &admin)]), 404);
}
