//! Words of the registered rule while a run is open: that they are for the seeds so far stands
//! beside them, wherever they stand.

use crate::app::App;
use crate::page;
use crate::seed::{Seeder, Until, spec};
use assay_core::spec::RequiredAttempt;

#[test]
fn while_a_run_is_open_every_place_says_that_its_words_are_for_the_seeds_so_far() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w-1", 20).await;
        let mut of = spec(&crate::THREE, 6, 7);
        let required = RequiredAttempt::Arm("arm-1".into());
        of.required_attempts = [("prm".to_string(), required)].into();
        let id = seeder.submit(&of).await;
        let mut begun = 0;
        seeder
            .work_off(|claim| {
                begun += usize::from(claim.spec.job.kind() == "grpo");
                match (claim.spec.job.kind(), begun) {
                    // One of six: five are enough for a word.
                    ("grpo", 6..) => Until::Share(0.4),
                    _ => Until::End,
                }
            })
            .await;
        id
    });
    let said = "Runs are still open (1): these are the words for the seeds so far.";
    let beside = ", for the seeds so far (1 run open)";
    let both = format!("arms={id}/base,{id}/arm-1");
    for (path, words) in [
        ("/".to_string(), "so far: 1 run open"),
        (format!("/experiments/{id}"), said),
        (format!("/experiments/{id}/graveyard"), said),
        (
            format!("/experiments/{id}/graveyard"),
            ", for the seeds so far <small>required attempt prm",
        ),
        (format!("/compare?{both}"), beside),
    ] {
        let text = page(&app, &path);
        assert!(text.contains(words), "{words} not on {path}: {text}");
    }
    let verdicts = "1 run still open, so verdicts are for the seeds so far";
    for (path, words) in [
        ("/experiments.csv".to_string(), "so far: 1 run open"),
        (format!("/experiments/{id}/verdicts.csv"), verdicts),
        (format!("/experiments/{id}/verdicts.tex"), verdicts),
        (format!("/experiments/{id}/verdicts.json"), verdicts),
        (format!("/experiments/{id}/table.csv"), verdicts),
        (format!("/experiments/{id}/forest.csv"), said),
        (
            format!("/experiments/{id}/graveyard/arm-1/course.csv"),
            " for the seeds so far",
        ),
        (format!("/compare.csv?{both}"), said),
        (format!("/compare.tex?{both}"), beside),
    ] {
        let answer = app.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.text.contains(words), "{words} not in {path}");
    }
    let json = app.get(&format!("/compare.json?{both}")).json();
    assert_eq!(json["comparison"]["lines"][1]["open_runs"], 1);
    let answer = app
        .get(&format!("/api/v1/experiments/{id}/comparison"))
        .json();
    assert_eq!(answer["outcome"]["open_runs"], 1);
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["compare", &format!("{}/experiments/{id}", app.url)])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(printed.contains(said), "{printed}");
}
