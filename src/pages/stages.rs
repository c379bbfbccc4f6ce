//! Which stage of a run a viewer shows, and the files that it shows.

use super::Choice;
use super::calibrated::{CALIBRATION, Calibrated};
use super::filed::{self, About};
use super::query::Asked;
use super::sheet::Sheet;
use crate::artifacts::Name;
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use assay_core::denominator::Denominator;
use assay_core::ids::RunId;
use assay_store::{self as store, RunStageView, RunView, StageFile};
use sqlx::PgConnection;

/// A stage of the run with its files of one role.
#[derive(Debug)]
pub(super) struct Filed<'a> {
    pub stage: &'a RunStageView,
    pub files: Vec<StageFile>,
}

/// The stages of a run that have files of a role.
pub(super) async fn filed<'a>(
    conn: &mut PgConnection,
    run: &'a RunView,
    role: &str,
) -> Result<Vec<Filed<'a>>, Problem> {
    let mut out = vec![];
    for stage in &run.stages {
        let files = store::list_stage_files(&mut *conn, stage.stage, role).await?;
        if !files.is_empty() {
            out.push(Filed { stage, files });
        }
    }
    Ok(out)
}

/// The stage and the step that are asked for, else the last of each; what is not there
/// is named.
pub(super) fn chosen<'f>(
    filed: &'f [Filed<'_>],
    asked: &mut Asked,
) -> Option<(&'f Filed<'f>, &'f StageFile)> {
    let stage = asked.text("stage").and_then(|name| {
        let found = filed.iter().find(|f| f.stage.name == name);
        if found.is_none() {
            asked.refuse("stage", &name);
        }
        found
    });
    let stage = stage.or(filed.last())?;
    let file = asked.number("step").and_then(|step| {
        let found = stage.files.iter().find(|f| f.step == step);
        if found.is_none() {
            asked.refuse("step", &step.to_string());
        }
        found
    });
    Some((stage, file.or(stage.files.last())?))
}

/// The same for a file, which is of no other stage and no other step than its address says.
pub(super) fn exactly<'f>(
    filed: &'f [Filed<'_>],
    asked: &mut Asked,
) -> Option<(&'f Filed<'f>, &'f StageFile)> {
    let found = chosen(filed, asked);
    found.filter(|_| !asked.has_refused(OF_FILE))
}

/// A stored file of a run as an address names it, read, with what its figures and tables say
/// of themselves.
pub(super) struct Opened {
    run: RunView,
    question: String,
    behind: Denominator,
    stage: String,
    pub step: i64,
    pub lines: Vec<String>,
    /// What of the address was not understood.
    ignored: Vec<String>,
    /// What the file has, and its word in addresses.
    what: &'static str,
    word: &'static str,
}

/// The file of this role; what the address does not name is not there. All else that an address
/// may say of it has been read before.
pub(super) async fn opened(
    state: &AppState,
    id: RunId,
    role: &str,
    most: usize,
    [what, word]: [&'static str; 2],
    asked: &mut Asked,
) -> Result<Opened, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let behind = filed::behind(&mut conn, run.experiment).await?;
    let found = filed(&mut conn, &run, role).await?;
    drop(conn);
    let (own, file) = exactly(&found, asked).ok_or_else(|| Problem::not_found("file"))?;
    let (lines, _) = lines(state, file, most).await?;
    let (stage, step) = (own.stage.name.clone(), file.step);
    drop(found);
    Ok(Opened {
        run,
        question,
        behind,
        stage,
        step,
        lines,
        ignored: asked.clone().ignored(),
        what,
        word,
    })
}

impl Opened {
    async fn answer(
        &self,
        of: &Sheet,
        svg: Option<&str>,
        name: &str,
        ending: &str,
    ) -> Result<HttpResponse, Problem> {
        let more = [format!("{} of step {}", self.what, self.step)];
        let stage = Some(self.stage.as_str());
        let about = About::of_run(&self.run, &self.question, stage, self.behind, &more, of);
        let about = about.ignoring(self.ignored.clone());
        let name = format!("{}-{}-{}{name}", self.run.id, self.word, self.step);
        filed::answer(of, svg, &about, &name, ending).await
    }

    /// What it has, a row each.
    pub async fn list(&self, of: &Sheet, ending: &str) -> Result<HttpResponse, Problem> {
        self.answer(of, None, "", ending).await
    }

    /// Its predictions against what came out.
    pub async fn calibration(
        &self,
        of: Option<Calibrated>,
        ending: &str,
    ) -> Result<HttpResponse, Problem> {
        let of = of.ok_or_else(|| Problem::not_found("figure"))?;
        let name = format!("-{CALIBRATION}");
        self.answer(&of.sheet(), Some(&of.svg), &name, ending).await
    }
}

/// What names a stored file in an address.
pub(super) const OF_FILE: &[&str] = &["stage", "step"];

pub(super) fn stage_choices(filed: &[Filed<'_>], chosen: Option<&str>) -> Vec<Choice> {
    let choice = |f: &Filed<'_>| Choice {
        value: f.stage.name.clone(),
        label: f.stage.name.clone(),
        chosen: chosen == Some(f.stage.name.as_str()),
    };
    filed.iter().map(choice).collect()
}

/// Steps in a selector.
const STEPS: usize = 400;

pub(super) fn step_choices(files: &[StageFile], chosen: i64) -> Vec<Choice> {
    let every = files.len().div_ceil(STEPS).max(1);
    files
        .iter()
        .enumerate()
        .filter(|(i, f)| i.is_multiple_of(every) || f.step == chosen)
        .map(|(_, f)| Choice {
            value: f.step.to_string(),
            label: number::integer(f.step),
            chosen: f.step == chosen,
        })
        .collect()
}

/// `STEP-N`: the n-th line, from 1, of a stage's file at a step.
pub(super) fn address(text: &str) -> Option<(i64, usize)> {
    let (step, line) = text.rsplit_once('-')?;
    let line: usize = line.parse().ok()?;
    Some((step.parse().ok()?, line.checked_sub(1)?))
}

/// The lines of a file, and what is wrong with it in words.
pub(super) async fn lines(
    state: &AppState,
    file: &StageFile,
    most: usize,
) -> Result<(Vec<String>, Option<String>), Problem> {
    let name: Name = file.sha256.parse()?;
    let read = state.artifacts.lines(&name, most).await?;
    Ok(match read {
        None => (vec![], Some("the file is no longer there".into())),
        Some(read) => (read.lines, read.broken.map(Into::into)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_step_and_a_line() {
        assert_eq!(address("16-3"), Some((16, 2)));
        assert_eq!(address("0-1"), Some((0, 0)));
        for bad in [
            "",
            "16",
            "16-",
            "16-0",
            "-",
            "a-1",
            "1-99999999999999999999999",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
