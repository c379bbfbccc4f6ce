//! One judged text and the list of them, from made-up scores.

use super::*;
use crate::pages::tests::assert_is_clean;

fn text(prompt: &str, correct: bool, steps: &[(f32, Option<bool>)]) -> Read {
    Ok(Judged {
        prompt: prompt.into(),
        gold: "8".into(),
        completion: "7*3=1;A3".into(),
        ended: true,
        correct,
        steps: steps
            .iter()
            .map(|(score, truth)| JudgedStep {
                text: "7*3=1;".into(),
                score: *score,
                label: Some(1.0),
                truth: *truth,
            })
            .collect(),
    })
}

fn render(all: &[Read], line: usize, how: Credit) -> String {
    let run = RunId(uuid::Uuid::nil());
    let shell = Shell::plain("Judged text");
    let text = TextPage::new(shell, run, (20, line), "rl", all, how)
        .render()
        .unwrap();
    assert_is_clean(&text);
    text
}

#[test]
fn steps_show_score_truth_and_where_they_disagree() {
    let all = [
        text("1+1=", false, &[(0.91, Some(true)), (0.77, Some(false))]),
        text("1+1=", true, &[(0.6, Some(true)), (0.6, Some(true))]),
    ];
    let page = render(&all, 0, Credit::Min);
    for words in [
        "min 0.770 · product 0.701 · last 0.770 · mean 0.840 · outcome: wrong",
        "← disagrees",
        "place 1 of 2 texts of its problem: it would have picked this wrong one",
        "<meter min=\"0\" max=\"1\" value=\"0.9",
        "class=\"q5\"",
        "class=\"q4\"",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert_eq!(page.matches("← disagrees").count(), 1);
    // Scores 0.91, 0.77, 0.6 and 0.6: three bins.
    assert_eq!(page.matches("class=\"cal\"").count(), 3);
    assert!(page.contains("<th scope=\"row\">0.6 to 0.7</th><td class=\"n\">2</td>"));
    assert!(page.contains("20-2?stage=rl&#38;reduce=min"));
    assert!(render(&all, 1, Credit::Last).contains("place 2 of 2"));
}

#[test]
fn a_text_that_cannot_be_read_says_so() {
    let all = [Err("not a readable text: <b>".into())];
    assert!(render(&all, 0, Credit::Min).contains("cannot be shown: not a readable text"));
    assert!(render(&[], 3, Credit::Min).contains("cannot be read up to it"));
}

#[test]
fn hostile_texts_and_scores_leave_the_page_standing() {
    let mut bad = text("<script>alert(1)</script>", false, &[(0.5, None); 3]).unwrap();
    bad.completion = "\u{202e}</pre><img src=x>".repeat(60_000);
    bad.steps[0].text = "<script>alert(1)</script>".repeat(10_000);
    bad.steps[1].score = f32::NAN;
    bad.steps[2].score = f32::INFINITY;
    bad.steps.extend(vec![bad.steps[2].clone(); 10_000]);
    let page = render(&[Ok(bad)], 0, Credit::Prod);
    assert!(!page.contains("<script>alert") && !page.contains('\u{202e}'));
    assert!(page.contains("further steps are not shown") && page.contains("not a number"));
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
}

#[test]
fn rows_name_the_first_of_each_problem() {
    let all = [
        text("1+1=", false, &[(0.9, Some(false))]),
        text("1+1=", true, &[(0.6, Some(true))]),
        text("2+2=", true, &[(0.1, Some(true))]),
        Err("broken".into()),
    ];
    let rows: Vec<TextRow> = (0..4)
        .map(|i| row(&all, i, "rl", 20, Credit::Min))
        .collect();
    let picked: Vec<bool> = rows.iter().map(|r| r.picked).collect();
    assert_eq!(picked, [true, false, false, false]);
    assert_eq!(rows[0].disagreements, "1");
    assert!(rows[3].error.is_some());
    assert_eq!(rows[2].class, "q1");
}

#[test]
fn a_text_that_is_cut_says_how_much_of_it_is_here() {
    let mut long = text("1+1=", true, &[(0.5, None)]).unwrap();
    let page = render(&[Ok(long.clone())], 0, Credit::Min);
    assert!(page.contains("<summary>The whole text</summary>") && !page.contains("cut: "));
    long.prompt = "p".repeat(21_000);
    long.completion = "c".repeat(22_000);
    let page = render(&[Ok(long)], 0, Credit::Min);
    for words in [
        "<p class=\"note\">cut: 20,000 of 21,000 characters</p>",
        "<p class=\"note\">cut: 20,000 of 22,000 characters</p>",
        "<summary>The start of the text</summary>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("The whole text"));
}

#[test]
fn an_arm_s_name_cannot_turn_round_the_question_of_the_list() {
    let page = ListPage {
        shell: Shell::plain("Judged texts"),
        run: RunId(uuid::Uuid::nil()),
        arm: "a\u{202e}b".into(),
        seed: 3,
        stages: vec![],
        stage: None,
        steps: vec![],
        reductions: vec![],
        broken: None,
        texts: vec![],
        files: Links::default(),
        numbers: None,
        panels: vec![],
        series: String::new(),
    };
    let text = page.render().unwrap();
    assert_is_clean(&text);
    let words = "judge of <bdi>a<span class=\"ctl\">⟨U+202E⟩</span>b</bdi>, seed 3";
    assert!(text.contains(words), "{text}");
}
