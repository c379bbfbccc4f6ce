//! Decoders, verdicts and supervision, from what a worker would have left.

use super::{page, run_link};
use crate::app::App;
use crate::seed::{Seeder, Until, decoding};
use assay_core::ids::ExperimentId;

pub fn seeded(
    app: &App,
    seeds: u64,
    alone: bool,
    until: impl Fn(&str, usize) -> Until,
) -> ExperimentId {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state, "w-1", 50).await;
        let id = seeder.submit(&decoding(seeds, seeds, alone)).await;
        let mut seen = 0;
        seeder
            .work_off(|claim| {
                seen += usize::from(claim.spec.job.is_decoder());
                until(claim.spec.job.kind(), seen)
            })
            .await;
        id
    })
}

pub fn section<'a>(text: &'a str, id: &str) -> &'a str {
    let at = text
        .find(&format!("<section id=\"{id}\""))
        .unwrap_or_else(|| panic!("{id}"));
    &text[at..at + text[at..].find("</section>").unwrap()]
}

#[test]
fn a_finished_experiment_gives_verdicts_and_decoders_on_page_csv_json_api_and_terminal() {
    let app = App::start();
    let id = seeded(&app, 5, false, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}"));
    let verdicts = section(&text, "verdicts");
    for words in [
        "4 registered contrasts",
        "5 of 5",
        "unsuccessful",
        "equal inference: 16 samples of R1-Zero (zero/grpo)",
        "prm: Best by the step judge, in the comparison",
        "mcts: not run, because: Too dear for two cores.",
    ] {
        assert!(verdicts.contains(words), "{words} not in {verdicts}");
    }
    let decoders = section(&text, "decoders-0");
    for words in [
        "Decoders of R1-Zero",
        "Tree search",
        "1 sample",
        "n = 5",
        "5 of 5",
    ] {
        assert!(decoders.contains(words), "{words} not in {decoders}");
    }
    assert!(!section(&text, "table").contains("Tree search"));
    assert!(section(&text, "table").contains("more demonstrations than R1-Zero"));
    let cost = section(&text, "cost");
    for words in [
        "judge training",
        "labels",
        "teacher",
        "zero/grpo",
        "Charged and apart",
    ] {
        assert!(cost.contains(words), "{words} not in {cost}");
    }
    assert!(text.contains("Best of 5: expect it to shrink."), "{text}");
    // A figure says of how many arms it is, and what was not run stands with every verdict.
    let not_run = "mcts: not run, because: Too dear for two cores.";
    for (figure, said) in [
        (
            "forest",
            "In this figure: 5 of 8 arms, with 25 of 40 runs planned.",
        ),
        (
            "decoders-0",
            "In this figure: 3 of 8 arms, with 15 of 40 runs planned.",
        ),
    ] {
        assert!(text.contains(said), "{said}");
        for ending in ["svg", "csv", "json", "tex"] {
            let file = app.get(&format!("/experiments/{id}/{figure}.{ending}"));
            assert!(file.text.contains(said), "{said} in {figure}.{ending}");
            let reason = "Too dear for two cores.";
            assert!(file.text.contains(reason), "{figure}.{ending}");
        }
    }
    let headline = text.split("<div id=\"verdict\"").nth(1).unwrap();
    let headline = headline.split("<div id=\"basis\"").next().unwrap();
    assert!(headline.contains(not_run), "{headline}");
    let table = app.get(&format!("/experiments/{id}/verdicts.json")).json();
    assert_eq!(table["not_run"][0]["role"], "mcts");
    let said = table["caption"].as_str().unwrap();
    assert!(said.contains("mcts: not run, because: "), "{said}");
    // The run of a decoder is a page too.
    let run = page(&app, &run_link(&text, "Tree search", 0));
    assert!(run.contains("mcts") && run.contains("search"), "{run}");

    let csv = app.get(&format!("/experiments/{id}.csv")).text;
    let count = |kind: &str| csv.lines().filter(|l| l.starts_with(kind)).count();
    // Five arms of four figures on two splits; 3 + 2 + 2 levels.
    assert_eq!(
        (count("arm,"), count("decoder,"), count("contrast,")),
        (40, 7, 4)
    );
    let json = app.get(&format!("/experiments/{id}.json")).json();
    assert_eq!(
        json["decoders"][0]["policies"][0]["rows"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let answer = app
        .get(&format!("/api/v1/experiments/{id}/comparison"))
        .json();
    assert_eq!(answer["outcome"]["m"], 4);
    assert_eq!(answer["outcome"]["contrasts"][0]["verdict"], "worse");
    assert_eq!(answer["outcome"]["contrasts"][0]["mark"], "unsuccessful");
    assert_eq!(answer["splits"][0]["decoders"][0]["policy"], "zero/grpo");
    let arms = answer["splits"][0]["comparisons"][0]["rows"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(arms, 5);
    let beyond = &answer["splits"][0]["beyond"];
    assert_eq!(beyond["basis"]["basis"], "equal_compute");
    assert_eq!(beyond["rows"].as_array().unwrap().len(), 5);
    let both = &beyond["rows"][2]["value"]["over_seeds_and_questions"];
    assert!(both["low"].as_f64() < both["high"].as_f64(), "{beyond}");
    assert_eq!(answer["splits"][0]["selection"][0]["arms"], 5);
    // The page reads every answer only where it is asked to.
    let path = format!("/experiments/{id}");
    let plain = app.get(&path).text;
    assert!(plain.contains("?questions=1#beyond") && !plain.contains("<details id=\"beyond\""));
    let asked = app.get(&format!("{path}?questions=1")).text;
    assert!(asked.contains("<details id=\"beyond\"") && !asked.contains("Ignored"));
    assert!(asked.contains("on 16 questions (equal compute"));
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["compare", &format!("{}/experiments/{id}", app.url)])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    for words in [
        "decoders of zero/grpo on test",
        "registered contrasts, m = 4",
        "required attempt mcts",
        "beyond these 16 questions",
    ] {
        assert!(printed.contains(words), "{words} not in {printed}");
    }
}

#[test]
fn half_finished_decoders_say_what_is_missing_and_withhold_the_verdicts() {
    let app = App::start();
    // All but the first three decoder stages are left at work.
    let id = seeded(&app, 5, false, |kind, seen| match kind {
        "search" | "mcts" if seen > 3 => Until::Share(0.0),
        _ => Until::End,
    });
    let text = page(&app, &format!("/experiments/{id}"));
    assert!(text.contains("of 5 seeds finished ("), "{text}");
    let verdicts = section(&text, "verdicts");
    assert!(verdicts.contains("required attempts are missing: prm (Best by the step judge:"));
    assert!(verdicts.contains("<td>withheld</td>"));
    assert!(section(&text, "decoders-0").contains("Majority of samples"));
}

#[test]
fn decoders_alone_are_a_page_from_the_first_moment_to_the_last() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        Seeder::new(state, "w", 50)
            .await
            .submit(&decoding(2, 9, true))
            .await
    });
    let text = page(&app, &format!("/experiments/{id}"));
    assert!(text.contains("Basis: equal inference") && text.contains("0 of 2"));
    assert!(text.contains("No run has finished its final evaluation yet"));
    let id = seeded(&app, 3, true, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}"));
    assert!(!text.contains("<section id=\"table\"") && !text.contains("No run has finished"));
    let decoders = section(&text, "decoders-0");
    assert!(decoders.contains("Decoders of base") && decoders.contains("3 of 3"));
    assert_eq!(
        section(&text, "verdicts")
            .matches("<td>not enough seeds</td>")
            .count(),
        2
    );
    let csv = app.get(&format!("/experiments/{id}.csv")).text;
    let lines = csv.lines().filter(|l| !l.starts_with("# "));
    assert_eq!(lines.count(), 1 + 7 + 2);
    assert!(page(&app, "/").contains("Decoders"));
}
