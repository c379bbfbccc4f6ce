//! Judged texts as files: all of a stored file, the steps of one, and what the scores of
//! their judge were worth.

use super::found::{Found, found};
use super::{Read, numbers, read, reduction, standing, word};
use crate::number::Kind;
use crate::pages::calibrated::{CALIBRATION, Calibrated};
use crate::pages::filed::{self, About, Links, OF_TABLE};
use crate::pages::query::{Asked, link};
use crate::pages::sheet::{Cell, Sheet};
use crate::pages::{stages, text};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_core::judged::{Judged, MOST_JUDGED, credit};
use assay_core::spec::search::Credit;
use assay_core::wire::role;

/// Characters of a problem's text, and of a step's.
const LONG: usize = 400;

/// With links to its files.
pub(super) fn linked(of: Calibrated, run: RunId, stage: &str, step: i64) -> Calibrated {
    let step = step.to_string();
    let query = link([("stage", stage), ("step", step.as_str())]);
    of.filed(&format!("/runs/{run}/prm/{CALIBRATION}"), &query)
}

/// All texts of a stored file.
pub(super) fn listed(run: RunId, stage: &str, step: i64, how: Credit) -> Links {
    let step = step.to_string();
    let words = [
        ("stage", stage),
        ("step", step.as_str()),
        ("reduce", word(how)),
    ];
    Links::new(&format!("/runs/{run}/prm"), &OF_TABLE, &link(words))
}

/// The steps of one text.
pub(super) fn of_text(run: RunId, stage: &str, name: &str) -> Links {
    let query = link([("stage", stage)]);
    Links::new(&format!("/runs/{run}/prm/{name}"), &OF_TABLE, &query)
}

/// A row a text, those that cannot be read among them.
fn texts(all: &[Read], step: i64, how: Credit) -> Sheet {
    let names = [
        "text",
        "problem",
        "steps",
        "score",
        "outcome",
        "first_of_its_problem",
        "disagreements",
        "why",
    ];
    let mut sheet = Sheet::plain("prm", "Judged texts", &names);
    sheet.said = format!(
        "Score of a text: {} of its steps'. First of its problem: no other of its several texts has a higher one. Disagreements: steps on which judge and exact verifier stand on two sides.",
        word(how)
    );
    sheet.kind = Kind::Share;
    for (at, read) in all.iter().enumerate() {
        let mut row = vec![Cell::Word(format!("{step}-{}", at + 1))];
        row.extend(match read {
            Ok(judged) => {
                let first = standing(all, at, how).is_some_and(|(place, n)| place == 1 && n > 1);
                of_read(judged, how, first)
            }
            Err(error) => unread(error),
        });
        sheet.push(row);
    }
    sheet
}

fn of_read(of: &Judged, how: Credit, first: bool) -> [Cell; 7] {
    let apart = of.steps.iter().filter(|s| s.disagrees()).count();
    [
        Cell::Text(text::line(&of.prompt, LONG)),
        Cell::Place(Some(of.steps.len() as f64)),
        Cell::Value(Some(credit(&of.scores(), how))),
        Cell::right(of.correct),
        Cell::yes_no(first),
        Cell::Place(Some(apart as f64)),
        Cell::Text(String::new()),
    ]
}

fn unread(error: &str) -> [Cell; 7] {
    let none = || Cell::Word(String::new());
    [
        none(),
        Cell::Place(None),
        Cell::Value(None),
        none(),
        none(),
        Cell::Place(None),
        Cell::Text(text::line(error, LONG)),
    ]
}

fn steps_of(of: &Judged, name: &str) -> Sheet {
    let names = ["step", "score", "taught", "verifier", "disagrees", "text"];
    let mut sheet = Sheet::plain("steps", format!("Steps of judged text {name}"), &names);
    sheet.said = "Score: the judge's probability that the step is right; taught: what it was taught of it; verifier: the exact verifier's word.".into();
    sheet.kind = Kind::Share;
    for (i, step) in of.steps.iter().enumerate() {
        sheet.push(vec![
            Cell::Count(i + 1),
            Cell::Value(Some(f64::from(step.score))),
            Cell::Value(step.label.map(f64::from)),
            step.truth.map_or(Cell::Word(String::new()), Cell::right),
            Cell::yes_no(step.disagrees()),
            Cell::Text(text::line(&step.text, LONG)),
        ]);
    }
    sheet
}

/// The stored file that is asked for, and its texts.
async fn opened(
    state: &AppState,
    id: RunId,
    asked: &mut Asked,
) -> Result<(stages::Opened, Vec<Read>), Problem> {
    let what = ["Judged texts", "prm"];
    let of = stages::opened(state, id, role::JUDGED, MOST_JUDGED, what, asked).await?;
    let texts = of.lines.iter().map(|line| read(line)).collect();
    Ok((of, texts))
}

/// `/runs/{id}/prm/calibration.svg`: of the steps of all texts of a file.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let (of, all) = opened(&state, id, &mut asked).await?;
    of.calibration(numbers::scores(&all), &ending).await
}

/// `/runs/{id}/prm.csv`: all texts of a file.
pub async fn list(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let how = reduction(&mut asked);
    let (of, all) = opened(&state, id, &mut asked).await?;
    of.list(&texts(&all, of.step, how), &ending).await
}

/// `/runs/{id}/prm/{text}.csv`: the steps of one text.
pub async fn steps(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let missing = || Problem::not_found("judged text");
    let Found {
        run,
        question,
        stage,
        at,
        all,
        ..
    } = found(&state, id, &name, &mut asked).await?;
    // Unlike a page, a file is of no other stage than the one in its address.
    if asked.has_refused(stages::OF_FILE) {
        return Err(missing());
    }
    let Some(Ok(judged)) = all.get(at.1) else {
        return Err(missing());
    };
    let behind = filed::behind(&mut *state.conn().await?, run.experiment).await?;
    let sheet = steps_of(judged, &name);
    let about = About::of_run(&run, &question, Some(&stage), behind, &[], &sheet);
    let about = about.ignoring(asked.ignored());
    filed::answer(&sheet, None, &about, &format!("{id}-prm-{name}"), &ending).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::judged::JudgedStep;

    fn text(score: f32, words: &str) -> Judged {
        Judged {
            prompt: format!("{words}\u{202e}"),
            gold: "1".into(),
            completion: String::new(),
            ended: true,
            correct: false,
            steps: vec![JudgedStep {
                text: words.into(),
                score,
                label: Some(1.0),
                truth: Some(false),
            }],
        }
    }

    #[test]
    fn a_text_is_a_row_with_what_is_wrong_with_it_and_nothing_unseen() {
        let all = [
            Ok(text(0.25, "=1+1 \"x\"")),
            Err("not a readable text".into()),
            Ok(text(0.75, "=1+1 \"x\"")),
        ];
        let sheet = texts(&all, 40, Credit::Min);
        let about = About::new("a run", &[], &sheet);
        let csv = sheet.csv(&about);
        for row in [
            "40-1,\"'=1+1 \"\"x\"\"⟨U+202E⟩\",1,0.25,wrong,no,0,\"\"\r\n",
            "40-2,,,,,,,\"not a readable text\"\r\n",
            "\"\"⟨U+202E⟩\",1,0.75,wrong,yes,1,\"\"\r\n",
        ] {
            assert!(csv.contains(row), "{row}\n{csv}");
        }
        let tex = sheet.tex(&about);
        assert!(!tex.contains('\u{202e}') && !tex.contains("readable"));
    }

    #[test]
    fn a_step_keeps_all_digits_of_its_score() {
        let sheet = steps_of(&text(0.062_5, "a%b"), "40-1");
        let about = About::new("a run", &[], &sheet);
        let csv = sheet.csv(&about);
        assert!(csv.contains("\r\n1,0.0625,1,wrong,no,\"a%b\"\r\n"), "{csv}");
        assert!(sheet.tex(&about).contains(r"a\%b"));
    }
}
