//! A person's word on the grader.

use super::groups;
use super::material::{Material, material};
use super::show;
use super::wanted::Wanted;
use crate::pages::query::Asked;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_store::{self as store, GraderVerdict, Place};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Word {
    stage: String,
    step: i64,
    group: i32,
    index: i32,
    /// Step and group beside which the completion stood, where it did.
    #[serde(default)]
    beside: String,
    verdict: String,
    #[serde(default)]
    reason: String,
}

/// What was sent and could not be kept.
#[derive(Debug)]
pub(in crate::pages) struct Unkept {
    /// Of the completion, on the page.
    pub id: String,
    pub verdict: GraderVerdict,
    pub reason: String,
    pub why: String,
}

impl Word {
    fn place(&self) -> Place {
        Place {
            step: self.step,
            group: self.group,
            index: self.index,
        }
    }

    fn beside(&self) -> Option<(i64, i32)> {
        let (step, group) = self.beside.split_once('.')?;
        Some((step.parse().ok()?, group.parse().ok()?))
    }

    /// Its group alone, whatever else was asked for.
    fn alone(&self) -> String {
        let of = Wanted {
            step: Some(self.step),
            group: Some(self.group).filter(|g| (0..i32::MAX).contains(g)),
            ..Wanted::default()
        };
        of.link(&self.stage, None)
    }

    /// The question that its page was asked, in the words that a page understands and no
    /// others. `None` of one that does not lead to the completion.
    fn back(&self, query: &str, steps: &[i64]) -> Option<String> {
        let of = Wanted::read(&mut Asked::read(query), steps);
        let leads = of.step.is_none_or(|step| step == self.step) || of.with == Some(self.step);
        (leads && !query.is_empty()).then(|| of.link(&self.stage, of.after))
    }
}

/// Keeps it, and goes back to where it was said; what is wrong with it is said there, with
/// the words that were entered. Foreign pages are kept out as on every unsafe method.
pub async fn contest(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
    word: Form<Word>,
) -> Result<HttpResponse, Problem> {
    let word = word.into_inner();
    let verdict: GraderVerdict = word
        .verdict
        .parse()
        .map_err(|e: String| Problem::bad_request(e))?;
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let stage = run
        .stages
        .iter()
        .find(|s| s.name == word.stage)
        .ok_or_else(|| Problem::not_found("stage in this run"))?;
    let steps = store::completion_steps(&mut conn, stage.stage).await?;
    let kept =
        store::insert_contest(&mut conn, stage.stage, word.place(), verdict, &word.reason).await;
    drop(conn);
    let back = word.back(request.query_string(), &steps);
    match kept.map_err(Problem::from) {
        Ok(_) => {
            let beside = word.beside().filter(|_| back.is_some());
            let to = format!(
                "/runs/{}/samples{}#{}",
                run.id,
                back.unwrap_or_else(|| word.alone()),
                groups::id(word.place(), beside)
            );
            Ok(HttpResponse::SeeOther()
                .insert_header((header::LOCATION, to))
                .finish())
        }
        Err(problem) if problem.status == StatusCode::CONFLICT => {
            again(&state, &request, run.id, &word, verdict, back, problem).await
        }
        Err(problem) => Err(problem),
    }
}

/// The page once more; the problem itself where the completion stands on none.
async fn again(
    state: &AppState,
    request: &HttpRequest,
    run: RunId,
    word: &Word,
    verdict: GraderVerdict,
    back: Option<String>,
    problem: Problem,
) -> Result<HttpResponse, Problem> {
    let own = back.map(|query| (query, word.beside()));
    for (query, beside) in own.into_iter().chain([(word.alone(), None)]) {
        let mut asked = Asked::read(query.trim_start_matches('?'));
        let mut of = material(state, run, &mut asked).await?;
        if !has(&of, word.place(), beside.is_some()) {
            continue;
        }
        of.unkept = Some(Unkept {
            id: groups::id(word.place(), beside),
            verdict,
            reason: word.reason.clone(),
            why: problem.detail.clone(),
        });
        let mut answer = show(state, request, asked, of).await?;
        *answer.status_mut() = problem.status;
        return Ok(answer);
    }
    Err(problem)
}

fn has(of: &Material, place: Place, beside: bool) -> bool {
    of.stage.as_ref().is_some_and(|stage| {
        let among = match beside {
            true => &stage.beside,
            false => &stage.samples,
        };
        among.iter().any(|s| s.place() == place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [i64; 3] = [1, 6, 11];

    fn word(step: i64, beside: &str) -> Word {
        Word {
            stage: "rl".into(),
            step,
            group: 1,
            index: 3,
            beside: beside.into(),
            verdict: "wrong".into(),
            reason: String::new(),
        }
    }

    #[test]
    fn the_way_back_is_the_question_of_the_page_and_nothing_else() {
        let query = "stage=other&step=6&with=11&result=wrong&phrases=hold+on&render=1&after=6.1.2\
                     &to=//evil.example&smoth=1";
        let kept = "&with=11&result=wrong&phrases=hold%20on&render=1&after=6.1.2";
        let back = word(6, "").back(query, &STEPS).unwrap();
        assert_eq!(back, format!("?stage=rl&step=6{kept}"));
        // It may have stood beside another step's.
        assert_eq!(word(11, "6.0").back(query, &STEPS), Some(back));
        assert_eq!(word(11, "6.0").beside(), Some((6, 0)));
        // A page that does not show it is none to go back to.
        for query in ["", "step=11", "step=x&group=2"] {
            assert_eq!(word(6, "").back(query, &STEPS), None, "{query}");
        }
        assert_eq!(word(6, "").alone(), "?stage=rl&step=6&group=2");
        let all = word(6, "").back("step=all", &STEPS);
        assert_eq!(all.as_deref(), Some("?stage=rl&step=all"));
        for hostile in ["6", "6.x", "#//evil", "\r\n6.1\r\nx: y"] {
            assert_eq!(word(6, hostile).beside(), None, "{hostile}");
        }
        let far = Word {
            group: i32::MAX,
            ..word(6, "")
        };
        assert_eq!(far.alone(), "?stage=rl&step=6");
    }
}
