//! The page's figures and tables as files: the same address with an ending, honouring the
//! same words after the question mark.

use super::at_budget::AtBudget;
use super::carried::Carried;
use super::figure::{Figure, Name};
use super::material::{Material, Needs};
use super::tables::{Table, sheet};
use super::view::{self, Wanted};
use super::{cite, kept, latex, listed, numbers};
use crate::charts::{Theme, standalone};
use crate::pages::filed;
use crate::pages::query::{Asked, ignored_said};
use crate::pages::sheet::Carries;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::beyond::{Beyond, Over};
use assay_core::ids::ExperimentId;
use assay_core::task::Split;
use assay_store as store;
use time::OffsetDateTime;

/// What was asked for, read, with the words that were not understood.
async fn read(
    state: &AppState,
    request: &HttpRequest,
    id: ExperimentId,
    word: &str,
) -> Result<(Material, Wanted, Vec<String>), Problem> {
    let mut asked = Asked::read(request.query_string());
    asked.choose("plain", &[("1", ())]);
    let mut wanted = None;
    let snap = view::cited(request.query_string());
    let of = kept::cited(state, id, snap.as_deref(), |view| {
        let read = wanted.insert(Wanted::read(&mut asked, view));
        Needs {
            curve: (word == Name::Training.word()).then(|| read.curve_metric().into()),
            x: Some(read.x),
            places: read.places,
            part: read.zoom(),
            over: match word == Name::Passk.word() {
                true => read.over,
                false => Over::Seeds,
            },
        }
    })
    .await?;
    let mut wanted = wanted.unwrap_or_else(|| Wanted::new(of.view.spec.budget.unit));
    wanted.drop_unreported(&of, &mut asked);
    wanted.settle(&of);
    if wanted.over != Over::Seeds && of.kept.is_some() {
        // Answers to single questions are not kept.
        asked.refuse("questions", "1 of a kept state");
        wanted.over = Over::Seeds;
    }
    Ok((of, wanted, asked.ignored()))
}

/// What files of the experiment's other pages say of themselves: they show the present data, and
/// compare nothing. `asked` is what their own page has left of the address.
pub(in crate::pages) async fn present(
    state: &AppState,
    id: ExperimentId,
    asked: Asked,
) -> Result<impl Carries, Problem> {
    present_on(state, id, asked, (None, false)).await
}

/// The same with a basis where it is another than the experiment's, and whether anything is
/// compared on it.
pub(in crate::pages) async fn present_on(
    state: &AppState,
    id: ExperimentId,
    mut asked: Asked,
    (basis, compares): (Option<String>, bool),
) -> Result<impl Carries, Problem> {
    let of = kept::cited(state, id, None, |_| Needs::default()).await?;
    let mut wanted = Wanted::new(of.view.spec.budget.unit);
    wanted.snap = view::cited_in(&mut asked);
    let mut carried = Carried::cited(&of, &wanted)?.ignoring(asked.ignored());
    carried.basis = basis.unwrap_or(carried.basis);
    carried.compares = compares;
    carried.denominator.part = true;
    Ok(carried)
}

pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(ExperimentId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, word, ending) = path.into_inner();
    let (of, wanted, ignored) = read(&state, &request, id, &word).await?;
    let carried = Carried::cited(&of, &wanted)?.ignoring(ignored);
    let stem = format!("{id}-{word}");
    if word == listed::BEYOND {
        let found = beyond(&state, &of).await?;
        let sheet = listed::beyond(&of, &found);
        let carried = carried.listing(&of, &sheet);
        return filed::answer(&sheet, None, &carried, &stem, &ending).await;
    }
    if let Some(table) = Table::of_file(&of, &wanted, &word, &ending) {
        let sheet = sheet(&of, &wanted, table);
        let carried = carried.of_table(&of, table, &sheet);
        return filed::answer(&sheet, None, &carried, &stem, &ending).await;
    }
    let name = Name::of_file(&of, &word).ok_or_else(|| Problem::not_found("figure"))?;
    let figure = name.figure(&of, &wanted);
    let carried = carried.of_figure(&of, &figure);
    let file = format!("{stem}.{ending}");
    match ending.as_str() {
        "svg" => Ok(saved(
            &file,
            "image/svg+xml",
            drawing(&figure.for_file(), &carried, Theme::Both),
        )),
        "json" => Ok(HttpResponse::Ok().json(numbers::json(&of, &wanted, &figure, &carried))),
        "png" => pixels(&file, drawing(&figure.for_file(), &carried, Theme::Light)).await,
        _ => {
            let numbers = numbers::sheet(&of, &wanted, &figure);
            filed::answer(&numbers, None, &carried, &stem, &ending).await
        }
    }
}

/// Reads every answer; of a kept state none are kept.
async fn beyond(state: &AppState, of: &Material) -> Result<Beyond, Problem> {
    let none = || Problem::not_found("figure");
    if of.kept.is_some() {
        return Err(none());
    }
    let mut conn = state.conn().await?;
    let shares = store::arm_shares(&mut conn, &of.runs, &of.exclusions, Split::Test).await?;
    let spec = &of.view.spec;
    assay_core::beyond::beyond(&spec.budget, &spec.baseline, &shares).ok_or_else(none)
}

/// Saved rather than shown: pages forbid styles of their own, which a drawing needs.
pub(in crate::pages) fn saved(file: &str, kind: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"{file}\""),
        ))
        .body(body)
}

pub(super) fn drawing(figure: &Figure, carried: &Carried, theme: Theme) -> String {
    let (svg, caption) = figure.shown();
    let mut foot = vec![caption];
    foot.extend(figure.at.as_ref().map(AtBudget::said));
    foot.extend(carried.lines(&figure.title));
    standalone(&svg, &foot, theme)
}

#[cfg(feature = "png")]
pub(in crate::pages) async fn pixels(file: &str, svg: String) -> Result<HttpResponse, Problem> {
    use crate::charts::{NoPng, png};
    use actix_web::http::StatusCode;
    let drawn = actix_web::web::block(move || png(&svg)).await;
    match drawn.map_err(Problem::internal)? {
        Ok(bytes) => Ok(HttpResponse::Ok()
            .content_type("image/png")
            .insert_header((
                "content-disposition",
                format!("inline; filename=\"{file}\""),
            ))
            .body(bytes)),
        Err(NoPng::NoFont) => Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "this machine has no font to write labels with: install one (Debian: fonts-dejavu-core), start the server again, or take the .svg",
        )),
        Err(NoPng::Unreadable) => Err(Problem::internal("a chart that resvg cannot read")),
    }
}

#[cfg(not(feature = "png"))]
pub(in crate::pages) async fn pixels(_: &str, _: String) -> Result<HttpResponse, Problem> {
    Err(Problem::new(
        actix_web::http::StatusCode::NOT_IMPLEMENTED,
        "this server was built without PNG (cargo feature `png`); take the .svg",
    ))
}

pub async fn bib(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let (of, wanted, ignored) = read(&state, &request, *id, "").await?;
    let carried = Carried::cited(&of, &wanted)?;
    let server = {
        let info = request.connection_info();
        format!("{}://{}", info.scheme(), info.host())
    };
    let stored = store::find_snapshot(&mut *state.conn().await?, *id, &carried.snapshot).await?;
    let mut entry = cite::bibtex(
        &carried,
        &server,
        OffsetDateTime::now_utc(),
        stored.is_some(),
    );
    // Outside of entries nothing counts but a sign that begins one.
    entry.extend(ignored_said(&ignored).map(|line| {
        let line = latex::escape(&line.replace('@', " at "));
        format!("% {line}\n")
    }));
    Ok(saved(
        &format!("{id}.bib"),
        "application/x-bibtex; charset=utf-8",
        entry,
    ))
}
