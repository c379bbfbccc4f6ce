//! The page from made-up material: filters, groups, components, hostile texts.

use super::material::{CUT, whole_groups};
use super::wanted::Wanted;
use super::*;
use crate::pages::tests::assert_is_clean;
use assay_core::ids::{ArmId, ExperimentId, StageId};
use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::spec::stage::StageSpec;
use assay_store::{
    ArmView, CompletionView, Contest, GraderVerdict, GroupView, Place, RunState, RunView, Sample,
};
use time::OffsetDateTime;

mod beside;
mod drawn;

fn spec() -> StageSpec {
    let experiment = Experiment::from_text(
        "
name: A test
question: Does it work?
task: { name: modchain, p_reflect: 0.2, minority_share: 0.3 }
seeds: 1
budget: { unit: flops, amount: 4e11 }
baseline: base
stages:
  - { id: base, kind: pretrain, model: {} }
arms:
  - { id: base, policy: base }
  - { id: rl, stages: [{ id: grpo, kind: grpo, prompts_per_step: 4, num_generations: 4, rewards: [{ component: accuracy }, { component: format, weight: 0.5 }], inputs: { init: base } }] }",
    )
    .unwrap_or_else(|v| panic!("{v}"));
    let plan = recipe::plan(&experiment, "");
    let found = plan
        .stages
        .into_iter()
        .find(|s| s.spec.job.kind() == "grpo");
    found.unwrap().spec
}

fn sample(step: i64, group: i32, index: i32, correct: bool, text: &str) -> Sample {
    let characters = text.chars().count() as u64;
    Sample {
        attempt: 1,
        view: CompletionView {
            step,
            group,
            index,
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            completion: text.chars().take(CUT.completion as usize).collect(),
            reward: if correct { 1.5 } else { 0.5 },
            advantage: if correct { 1.0 } else { -1.0 },
            length: 12,
            truncated: false,
            correct,
            components: serde_json::json!({ "accuracy": f64::from(u8::from(correct)), "format": 1.0 }),
        },
        characters,
        prompt_characters: 8,
        // Stands for its hash.
        prompt_md5: "7*3-8+5=".into(),
    }
}

fn material(samples: Vec<Sample>) -> Material {
    let stage = StageId(uuid::Uuid::from_u128(7));
    let steps = vec![1, 6, 11];
    let wanted = Wanted::read(&mut Asked::read("step=6"), &steps);
    let groups = vec![GroupView {
        step: 6,
        group: 0,
        rewards: vec![1.5, 0.5, 0.5, 1.5],
        correct: vec![true, false, false, true],
    }];
    Material {
        run: RunView {
            id: RunId(uuid::Uuid::from_u128(1)),
            experiment: ExperimentId(uuid::Uuid::nil()),
            arm: ArmView {
                id: ArmId(uuid::Uuid::nil()),
                position: 1,
                key: "rl".into(),
                label: "GRPO".into(),
                trains: true,
            },
            seed: 3,
            state: RunState::Running,
            stages: vec![],
        },
        question: "A test".into(),
        stages: vec!["grpo".into()],
        stage: Some(Shown {
            name: "grpo".into(),
            id: stage,
            spec: spec(),
            trained: 15,
            steps,
            wanted,
            stored: 24,
            matching: samples.len() as u64,
            samples,
            groups,
            next: None,
            scanned: None,
            rates: vec![(RATES[0].1, rate())],
            base: None,
            beside: vec![],
            prompt_steps: vec![],
        }),
        contests: vec![],
        unkept: None,
    }
}

/// Steps 1 and 6; nothing was counted at 11.
fn rate() -> Series {
    let point = |step: i64| assay_store::Point {
        step,
        count: 1,
        mean: step as f64 / 100.0,
        min: 0.0,
        max: 1.0,
        last: 0.5,
        cum: Default::default(),
    };
    Series {
        points: vec![point(1), point(6)],
        level: 0,
    }
}

#[test]
fn rates_stand_beside_those_of_the_policy_that_the_stage_began_with() {
    let mut of = material(vec![]);
    let words = |of: &Material| rates(of.stage.as_ref().unwrap()).remove(0);
    assert!(
        words(&of)
            .contains("0.010 at step 1, with the policy as this stage began; 0.060 at step 6")
    );
    of.stage.as_mut().unwrap().wanted.step = Some(11);
    assert!(words(&of).ends_with("none counted at step 11"));
}

fn render(of: &Material) -> String {
    let text = SamplesPage::new(Shell::plain("Samples"), of)
        .render()
        .unwrap();
    assert_is_clean(&text);
    text
}

#[test]
fn a_group_shows_its_rewards_components_and_marks() {
    let of = material(vec![
        sample(6, 0, 0, true, "7*3=2;W;7*3=1;1-8=3;3+5=8;A8"),
        sample(6, 0, 1, false, "7*3=b;A3"),
    ]);
    let text = render(&of);
    for words in [
        "Step 6, group 1",
        "2 of 4 correct, rewards 1.50 0.50 0.50 1.50; 2 of them not shown here",
        "accuracy 1.000 · format 1.000",
        "reward = 1.000 × accuracy + 0.5000 × format",
        "wrong but rewarded",
        "<mark class=\"aha\"><span class=\"tag\">aha:</span>W;</mark>",
        "<mark class=\"fault\"><span class=\"tag\">wrong result:</span>7*3=2;</mark>",
        "<mark class=\"mixed\"><span class=\"tag\">other:</span>b</mark>",
        // A third of its digits.
        "wrong · reward 0.500 <strong>wrong but rewarded</strong> · advantage",
        "<strong>mixed</strong></p>",
        "one with over 5 % is called <strong>mixed</strong>",
        // 15 steps of 4 prompts and 4 samples; 24 stored of 3 steps: 2 groups each.
        "24 of 240 completions are stored: the first 2 groups of 4 of one step in 5",
        "nothing is chosen by reward",
        "type=\"range\" name=\"step\" min=\"1\" max=\"11\" step=\"5\" value=\"6\"",
        "?stage=grpo&#38;step=1\"",
        "not evidence of reasoning",
        "Nobody has judged the grader",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn a_prompt_is_shown_beside_what_another_step_wrote_to_it() {
    let mut of = material(vec![sample(6, 0, 0, true, "7*3=1;A8")]);
    let text = render(&of);
    for words in [
        "name=\"with\"",
        "<option value=\"\" selected>nothing</option>",
        "href=\"?stage=grpo&#38;step=6&#38;group=1#s6-g0\">This group alone",
        "<kbd>d</kbd>",
        "data-keys tabindex=\"0\"",
        "<article id=\"s6-g0-i0\" tabindex=\"-1\">",
        "id=\"reflective\"",
        "policy as this stage began: <span class=\"num\">0.010</span>",
        "a phrase count, not evidence of reasoning",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("class=\"beside\"") && !text.contains("beside step"));
    let shown = of.stage.as_mut().unwrap();
    let prompt = shown.samples[0].prompt_md5.clone();
    shown.prompt_steps = vec![(prompt.clone(), 1), (prompt, 6), ("another".into(), 11)];
    shown.wanted = Wanted::read(&mut Asked::read("step=6&with=1"), &shown.steps);
    let text = render(&of);
    assert!(text.contains("&#38;with=1#s6-g0\">1</a>") && !text.contains("with=11"));
    assert!(text.contains("No completion of this prompt is stored at step 1."));
    let shown = of.stage.as_mut().unwrap();
    let mut other = sample(1, 3, 2, false, "A5");
    (other.view.prompt, other.prompt_md5) = ("another".into(), "another".into());
    shown.beside = vec![sample(1, 0, 1, false, "A4"), other];
    let text = render(&of);
    let beside = &text[text.find("class=\"beside\"").unwrap()..];
    assert!(
        beside.contains("<strong>Step 6</strong>") && beside.contains("<strong>Step 1</strong>")
    );
    assert!(beside.contains("id=\"s1-g0-i1-at-s6-g0\"") && !beside.contains("s1-g3-i2"));
    // One measurement is no curve.
    of.stage.as_mut().unwrap().rates[0].1.points.truncate(1);
    assert!(!render(&of).contains("id=\"reflective\""));
}

#[test]
fn people_s_words_are_shown_with_a_rate_its_interval_and_its_basis() {
    let mut of = material(vec![sample(6, 0, 1, false, "A3")]);
    let word = |id, index, verdict, counts, reason: &str| Contest {
        id,
        stage: StageId(uuid::Uuid::from_u128(7)),
        place: Place {
            step: 6,
            group: 0,
            index,
        },
        verdict,
        graded_correct: false,
        reason: reason.into(),
        at: OffsetDateTime::UNIX_EPOCH,
        counts,
    };
    of.contests = vec![
        word(1, 1, GraderVerdict::Right, false, ""),
        word(
            2,
            1,
            GraderVerdict::Wrong,
            true,
            "3 is right <script>alert(1)</script>",
        ),
        word(3, 0, GraderVerdict::Right, true, ""),
    ];
    let text = render(&of);
    // 1 of 2: Wilson gives 0.0945 to 0.9055.
    assert!(
        text.contains("Grader error rate 0.500 [0.095, 0.905], 1 of 2"),
        "{text}"
    );
    assert!(text.contains("n = 2") && text.contains("not for a random sample"));
    assert!(text.contains("(a later word counts)") && !text.contains("<script>alert"));
}

#[test]
fn hostile_completions_leave_the_page_standing() {
    let bomb = r"\def\a{\a\a}\a ".repeat(200);
    let mut samples: Vec<Sample> = [
        "</pre><script>alert(1)</script><img src=x onerror=alert(1)>",
        "\u{202e}gnorts\u{2066}\u{0}\u{1b}[31m",
        "👩‍👩‍👧 e\u{301}\u{301}\u{301} العربية עברית",
        &bomb,
        "",
    ]
    .iter()
    .enumerate()
    .map(|(i, text)| sample(6, 0, i as i32, false, text))
    .collect();
    let megabyte = "<b>\u{202e}é;".repeat(150_000);
    samples.push(sample(6, 0, 9, false, &megabyte));
    let mut broken = sample(6, 0, 10, false, "A3");
    broken.view.reward = f64::NAN;
    broken.view.prompt = "<script>".repeat(500);
    broken.view.components = serde_json::json!(["not", "an", "object"]);
    samples.push(broken);
    let text = render(&material(samples));
    assert!(
        !text.contains("<script>alert") && !text.contains('\u{202e}') && !text.contains('\u{0}')
    );
    assert!(text.contains("cut: 20,000 of 900,000 characters"), "said");
    assert!(text.len() < 1 << 20, "{} bytes", text.len());
    assert!(text.contains("not a number"));
    // Letters of the other vocabulary are marked apart.
    for written in ["⟨U+202E⟩", "⟨U+2066⟩␀␛"] {
        let span = format!("<span class=\"ctl\">{written}</span>");
        assert!(text.contains(&span), "{written}");
    }
    // Neither prompt nor a person's word can turn round what stands beside it.
    let mut of = material(vec![sample(6, 0, 0, false, "A3")]);
    of.run.arm.label = "GRPO \u{202e}".into();
    of.stage.as_mut().unwrap().samples[0].view.gold = "\u{2067}8".into();
    let text = render(&of);
    assert!(text.contains("<bdi>GRPO <span class=\"ctl\">⟨U+202E⟩</span></bdi>, seed"));
    assert!(text.contains("<code><bdi><span class=\"ctl\">⟨U+2067⟩</span>8</bdi></code>"));
}

#[test]
fn formulas_are_set_where_that_is_asked_for_and_raw_is_the_default() {
    let texts = [
        "So $x^2$ is <i>right</i>: \\boxed{8}, for $5 and $6.",
        "$\\href{data:x}{y}$ \u{202e}",
        "7*3=2;W;7*3=1;$y$;A8",
    ];
    let mut samples: Vec<Sample> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| sample(6, 0, i as i32, false, text))
        .collect();
    // Prompts that are not the task's own: their answers are free text.
    for free in &mut samples[..2] {
        free.view.prompt = "What is $x$?".into();
    }
    let mut of = material(samples);
    let text = render(&of);
    for words in [
        "So $x^2$ is &#60;i&#62;right",
        "<strong>raw</strong> | <a data-go=\"r\" href=\"?stage=grpo&#38;step=6&#38;render=1\">typeset</a>",
        "<kbd>r</kbd>",
        "Texts are raw.",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("<math") && !text.contains("name=\"render\""));

    let shown = of.stage.as_mut().unwrap();
    shown.wanted = Wanted::read(&mut Asked::read("step=6&render=1"), &shown.steps);
    let text = render(&of);
    for words in [
        "<math><msup>",
        "class=\"boxed\"",
        "for $5 and $6.",
        "is &#60;i&#62;right",
        "<mark class=\"aha\"><span class=\"tag\">aha:</span>W;</mark>",
        "3 formulas typeset, 1 left as written",
        "tabindex=\"0\" role=\"group\" aria-label=\"Completion 1, typeset\"",
        "<code>$\\href{data:x}{y}$</code>",
        "<span class=\"ctl\">⟨U+202E⟩</span>",
        "<a data-go=\"r\" href=\"?stage=grpo&#38;step=6\">raw</a> | <strong>typeset</strong>",
        "&#38;group=1&#38;render=1#s6-g0\">This group alone",
        "Raw is the evidence",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("href=\"data:x"));
    assert_eq!(text.matches("name=\"render\" value=\"1\"").count(), 2);
    assert!(!text.contains("aria-label=\"Completion 2, typeset\""));
}

#[test]
fn phrases_of_the_address_are_marked_and_counted_instead_of_the_usual_ones() {
    let file = serde_json::json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
    let mut of = material(vec![
        sample(6, 0, 0, true, "Wait, Hold on: 8. Hold on."),
        sample(6, 0, 1, false, "It is 3."),
    ]);
    let shown = of.stage.as_mut().unwrap();
    shown.spec.task = serde_json::from_value(serde_json::json!({
        "name": "questions", "train": file, "test": file, "ood": file,
        "template": "{question}", "answer": "last_number",
        "max_prompt_tokens": 64, "max_solution_tokens": 64,
    }))
    .unwrap();
    let phrase =
        |text: &str| format!("<mark class=\"aha\"><span class=\"tag\">aha:</span>{text}</mark>");
    let text = render(&of);
    assert!(text.contains(&phrase("Wait,")) && text.contains("“let me check” and others"));
    assert!(!text.contains(&phrase("Hold on")) && !text.contains("of this link"));
    assert_eq!(text.matches("name=\"phrases\"").count(), 1);
    assert!(text.contains("Phrases <input name=\"phrases\" size=\"12\" dir=\"auto\" value=\"\">"));
    let other = render(&material(vec![sample(6, 0, 0, true, "8")]));
    assert!(!other.contains("name=\"phrases\""), "of free text alone");

    let shown = of.stage.as_mut().unwrap();
    shown.wanted = Wanted::read(
        &mut Asked::read("step=6&phrases=hold+on,%3Cb%3E"),
        &shown.steps,
    );
    let text = render(&of);
    assert_eq!(text.matches(&phrase("Hold on")).count(), 2);
    assert!(!text.contains(&phrase("Wait,")) && !text.contains("“let me check” and others"));
    for words in [
        "phrases of this link: “hold on”, “&#60;b&#62;”; 2 in 1 of the 2 completions shown.",
        "name=\"phrases\" size=\"12\" dir=\"auto\" value=\"hold on,&#60;b&#62;\"",
        "&#38;phrases=hold%20on%2C%3Cb%3E",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // The filter reads with them too.
    let shown = of.stage.as_mut().unwrap();
    shown.wanted.reflective = Some(true);
    let takes = |at: usize| shown.wanted.takes(&shown.spec.task, &shown.samples[at]);
    assert!(takes(0) && !takes(1));
    shown.wanted.phrases = vec!["3".into()];
    let takes = |at: usize| shown.wanted.takes(&shown.spec.task, &shown.samples[at]);
    assert!(!takes(0) && takes(1));
}

#[test]
fn nothing_stored_and_nothing_found_say_what_would_be_here() {
    let text = render(&material(vec![]));
    assert!(text.contains("No stored completion matches"));
    let mut of = material(vec![]);
    of.stage = None;
    assert!(render(&of).contains("No completions are stored for this run yet"));
}

#[test]
fn a_page_ends_with_a_whole_group() {
    let mut of = material(
        (0..50)
            .map(|i| sample(6, i / 8, i % 8, false, "A3"))
            .collect(),
    );
    let shown = of.stage.as_mut().unwrap();
    whole_groups(shown);
    assert_eq!(shown.samples.len(), 48);
    assert_eq!(shown.next.map(|p| (p.group, p.index)), Some((5, 7)));
    // A group that is larger than a page is cut all the same.
    let mut of = material((0..50).map(|i| sample(6, 0, i, false, "A3")).collect());
    let shown = of.stage.as_mut().unwrap();
    whole_groups(shown);
    assert_eq!(shown.samples.len(), 50);
}
