//! The pages. One file a page, its struct above its handler; they read from the
//! store, let `charts` draw, and write HTML that works without a script.

mod addressed;
pub mod assets;
mod calibrated;
mod compare;
mod cost;
pub mod error;
mod experiment;
mod experiments;
mod figure_data;
mod filed;
mod filters;
mod freshness;
mod graveyard;
mod interface;
mod judged;
pub mod login;
mod looks;
mod math;
mod new;
mod prm;
pub mod query;
mod queue;
mod references;
mod run;
mod samples;
mod sheet;
mod stages;
mod text;
pub mod theme;
mod trees;
mod words;

use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{ServiceConfig, get, head, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_store::RunView;
use freshness::Fresh;
use theme::Theme;

/// Addresses of the pages; `routes` mounts them.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(resource("/").route(get().to(experiments::page)))
        .service(resource("/theme").route(post().to(theme::choose)))
        .service(resource("/static/{name}").route(get().to(assets::get)))
        .service(
            resource("/experiments.{ending:csv|json|tex}")
                .route(get().to(experiments::file)).route(head().to(experiments::file)),
        )
        // Before `/experiments/{id}`, which would take it for an id.
        .service(
            resource("/experiments/new")
                .route(get().to(new::page))
                .route(post().to(new::submit)),
        )
        .service(resource("/experiments/{id}/amend").route(post().to(experiment::amend)))
        .service(resource("/experiments/{id}/default").route(post().to(experiment::keep)))
        .service(resource("/experiments/{id}/exclude").route(post().to(experiment::exclude)))
        .service(resource("/experiments/{id}/include").route(post().to(experiment::include)))
        .service(resource("/compare").route(get().to(compare::page)))
        .service(resource("/compare.csv").route(get().to(compare::csv)).route(head().to(compare::csv)))
        .service(resource("/compare.json").route(get().to(compare::json)).route(head().to(compare::json)))
        .service(resource("/compare.tex").route(get().to(compare::tex)).route(head().to(compare::tex)))
        .service(
            resource("/compare/{figure:forest|training|milestones|frontier|config|decoders-[0-9]+|group-[0-9]+}.{ending:svg|json|png|csv|tex}")
                .route(get().to(compare::file)).route(head().to(compare::file)),
        )
        .service(resource("/cost").route(get().to(cost::page)))
        .service(resource("/cost/prices").route(post().to(cost::add_price)))
        .service(
            resource("/cost/{table:prices|spent|arms|detectable|published}.{ending:csv|json|tex}")
                .route(get().to(cost::file)).route(head().to(cost::file)),
        )
        .service(resource("/references").route(get().to(references::page)))
        .service(resource("/references.csv").route(get().to(references::csv)).route(head().to(references::csv)))
        .service(resource("/references.json").route(get().to(references::json)).route(head().to(references::json)))
        .service(resource("/references.tex").route(get().to(references::tex)).route(head().to(references::tex)))
        .service(resource("/docs/api").route(get().to(interface::page)))
        .service(resource("/experiments/{id}.csv").route(get().to(experiment::csv)).route(head().to(experiment::csv)))
        .service(resource("/experiments/{id}.json").route(get().to(experiment::json)).route(head().to(experiment::json)))
        .service(resource("/experiments/{id}/graveyard").route(get().to(graveyard::page)))
        .service(
            resource("/experiments/{id}/graveyard.json")
                .route(get().to(graveyard::index)).route(head().to(graveyard::index)),
        )
        .service(
            resource("/experiments/{id}/graveyard/{table:[^/]+}.{ending:csv|json|tex}")
                .route(get().to(graveyard::shared)).route(head().to(graveyard::shared)),
        )
        .service(
            resource("/experiments/{id}/graveyard/{arm}/{figure:[^/]+}.{ending:svg|png|csv|json|tex}")
                .route(get().to(graveyard::file)).route(head().to(graveyard::file)),
        )
        .service(resource("/experiments/{id}/arms/{arm}/notes").route(post().to(graveyard::note)))
        .service(resource("/experiments/{id}/arms/{arm}/reopen").route(post().to(graveyard::reopen)))
        .service(
            resource(
                "/experiments/{id}/{figure:milestones|frontier|forest|training|seeds|passk|contrasts|decoders-[0-9]+|table|verdicts|decoders|costs|matrix|runs|excluded|both-ways|decoders-both-ways|rule-both-ways|charged|spent|versions|beyond}.{ending:svg|csv|json|png|tex}",
            )
            .route(get().to(experiment::file)).route(head().to(experiment::file)),
        )
        .service(resource("/experiments/{id}/curves").route(get().to(experiment::all_curves)))
        .service(resource("/experiments/{id}/cite.bib").route(get().to(experiment::bib)).route(head().to(experiment::bib)))
        .service(resource("/experiments/{id}/cite").route(post().to(experiment::cite)))
        .service(resource("/experiments/{id}/snapshot.json").route(get().to(experiment::snapshot)).route(head().to(experiment::snapshot)))
        .service(resource("/experiments/{id}").route(get().to(experiment::page)))
        .service(
            resource("/runs/{id}")
                .route(get().to(run::page))
                .route(post().to(run::decide)),
        )
        // Before the curves, which would take a table's name for a metric's.
        .service(
            resource("/runs/{id}/{table:evaluations|ledger|alarms|found|files|environment|config|difference}.{ending:csv|json|tex}")
                .route(get().to(run::table)).route(head().to(run::table)),
        )
        .service(
            resource("/runs/{id}/contests.{ending:csv|json|tex}")
                .route(get().to(samples::contests_file)).route(head().to(samples::contests_file)),
        )
        .service(
            resource("/runs/{id}/trees.{ending:csv|json|tex}")
                .route(get().to(trees::list_file)).route(head().to(trees::list_file)),
        )
        .service(
            resource("/runs/{id}/prm.{ending:csv|json|tex}")
                .route(get().to(prm::list_file)).route(head().to(prm::list_file)),
        )
        .service(
            resource("/runs/{id}/{metric:[^/]+}.{ending:svg|png|csv|json|tex}")
                .route(get().to(run::file)).route(head().to(run::file)),
        )
        .service(resource("/runs/{id}/log.txt").route(get().to(run::log)))
        .service(resource("/runs/{id}/files/{sha256}").route(get().to(run::download)))
        .service(resource("/runs/{id}/notes").route(post().to(run::note)))
        .service(
            resource("/runs/{id}/samples")
                .route(get().to(samples::page))
                .route(post().to(samples::contest)),
        )
        .service(resource("/runs/{id}/trees").route(get().to(trees::list)))
        // Before the pages of one tree and one text, which would take them for its name.
        .service(
            resource("/runs/{id}/trees/calibration.{ending:svg|png|csv|json|tex}")
                .route(get().to(trees::pooled)).route(head().to(trees::pooled)),
        )
        .service(
            resource("/runs/{id}/trees/{tree:[^/]+}.{ending:svg|png|csv|json|tex}")
                .route(get().to(trees::picture)).route(head().to(trees::picture)),
        )
        .service(
            resource("/runs/{id}/trees/{tree}/calibration.{ending:svg|png|csv|json|tex}")
                .route(get().to(trees::values_file)).route(head().to(trees::values_file)),
        )
        .service(
            resource("/runs/{id}/trees/{tree}/depths.{ending:csv|json|tex}")
                .route(get().to(trees::depths_file)).route(head().to(trees::depths_file)),
        )
        .service(
            resource("/runs/{id}/trees/{tree}/children.{ending:csv|json|tex}")
                .route(get().to(trees::children_file)).route(head().to(trees::children_file)),
        )
        .service(
            resource("/runs/{id}/prm/calibration.{ending:svg|png|csv|json|tex}")
                .route(get().to(prm::file)).route(head().to(prm::file)),
        )
        .service(
            resource("/runs/{id}/prm/{text:[^/]+}.{ending:csv|json|tex}")
                .route(get().to(prm::steps_file)).route(head().to(prm::steps_file)),
        )
        .service(resource("/runs/{id}/trees/{tree}").route(get().to(trees::page)))
        .service(resource("/runs/{id}/prm").route(get().to(prm::list)))
        .service(resource("/runs/{id}/prm/{text}").route(get().to(prm::page)))
        .service(
            resource("/queue/{table:workers|jobs}.{ending:csv|json|tex}")
                .route(get().to(queue::file)).route(head().to(queue::file)),
        )
        .service(resource("/queue").route(get().to(queue::page)))
        .service(resource("/queue/cancel").route(post().to(queue::cancel)))
        .service(resource("/queue/requeue").route(post().to(run::requeue)))
        .service(resource("/queue/retry").route(post().to(queue::retry)))
        .service(resource("/queue/move").route(post().to(queue::move_job)));
}

#[derive(Debug, Clone)]
pub struct Crumb {
    pub href: String,
    pub label: String,
}

impl Crumb {
    pub fn html(&self) -> String {
        text::isolated(&self.label)
    }
}

/// What surrounds every page.
#[derive(Debug, Clone)]
pub struct Shell {
    pub title: String,
    pub crumbs: Vec<Crumb>,
    /// Where the page's news come from.
    pub live: Option<String>,
    /// This page's own address, with what was asked for.
    pub url: String,
    pub fresh: Fresh,
    pub ignored: Vec<String>,
    /// Someone has logged in and may log out.
    pub session: bool,
    pub theme: Theme,
    /// Seconds after which the page loads itself again, where that was asked for.
    pub reload: Option<u32>,
}

impl Shell {
    pub fn new(state: &AppState, request: &HttpRequest, title: impl Into<String>) -> Self {
        let uri = request.uri();
        Self {
            url: uri.path_and_query().map_or("/", |p| p.as_str()).to_string(),
            session: state.auth.required,
            theme: Theme::of(request.headers()),
            reload: query::reload(request.query_string()),
            ..Self::plain(title)
        }
    }

    /// Without a request at hand.
    pub fn plain(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            crumbs: vec![],
            live: None,
            url: String::new(),
            fresh: Fresh::default(),
            ignored: vec![],
            session: false,
            theme: Theme::default(),
            reload: None,
        }
    }

    pub fn crumb(mut self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.crumbs.push(Crumb {
            href: href.into(),
            label: label.into(),
        });
        self
    }

    /// Below a run: where it belongs, and the run itself.
    pub fn run(self, run: &RunView, question: &str) -> Self {
        let named = format!("{}, seed {}", run.arm.label, run.seed);
        self.crumb("/", "Experiments")
            .crumb(format!("/experiments/{}", run.experiment), question)
            .crumb(format!("/runs/{}", run.id), named)
    }

    /// The title as the page's own name in its breadcrumb.
    pub fn html(&self) -> String {
        text::isolated(&self.title)
    }

    /// The title as the window's.
    pub fn plain_title(&self) -> String {
        text::visible(&self.title)
    }

    /// This page, loading itself again every half minute.
    pub fn timed(&self) -> String {
        let mark = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{mark}refresh=30", self.url)
    }

    /// This page, staying as it is.
    pub fn untimed(&self) -> String {
        let Some((path, query)) = self.url.split_once('?') else {
            return self.url.clone();
        };
        let kept: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.starts_with("refresh="))
            .collect();
        format!("{path}?{}", kept.join("&"))
    }

    pub fn css(&self) -> &'static str {
        assets::css_url()
    }

    pub fn js(&self) -> &'static str {
        assets::js_url()
    }
}

/// An option of a control.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    let body = page.render().map_err(Problem::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(body))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What holds for every page, whatever it shows.
    pub(crate) fn assert_is_clean(page: &str) {
        for bad in [
            "style=",
            "<style",
            "onclick",
            "onload",
            "javascript:",
            "rgb(",
            "<b>",
            "<img",
        ] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        for (at, _) in page.match_indices("<script") {
            assert!(page[at..].starts_with("<script type=\"module\" src=\"/static/app.js?v="));
            let end = &page[at + page[at..].find('>').unwrap() + 1..];
            assert!(end.starts_with("</script>"), "an inline script");
        }
        for attribute in ["fill=\"", "stroke=\"", "color=\""] {
            assert!(!page.contains(attribute), "{attribute}");
        }
        let mut ids: Vec<&str> = page.split(" id=\"").skip(1).collect();
        for id in &mut ids {
            *id = &id[..id.find('"').unwrap()];
        }
        ids.sort_unstable();
        for pair in ids.windows(2) {
            assert_ne!(pair[0], pair[1], "two elements of one id");
        }
        assert_eq!(page.matches("<h1>").count(), 1);
        assert!(page.contains("class=\"skip\"") && page.contains("<main id=\"main\""));
    }

    #[test]
    fn a_problem_is_a_page_that_escapes_and_names_the_request() {
        let errors = [("/arms/0".to_string(), "<b>bad</b>".to_string())];
        let page = error::render(
            422,
            "Unprocessable",
            "two & more",
            &errors,
            "req-1",
            crate::problem::Person {
                theme: Theme::Light,
                may_ask_again: false,
            },
        );
        assert!(page.contains("<html lang=\"en\" class=\"light\">"));
        assert!(page.contains("two &#38; more") || page.contains("two &amp; more"));
        assert!(page.contains("req-1") && page.contains("/arms/0"));
        assert_is_clean(&page);
    }

    #[test]
    fn the_login_page_says_where_the_token_is() {
        let refused = Some("that is not the admin token");
        assert_is_clean(&login::render(refused, Theme::System));
        let page = login::render(None, Theme::Dark);
        assert!(page.contains("assay token"));
        assert!(page.contains("value=\"dark\" aria-pressed=\"true\""));
    }

    #[test]
    fn a_page_loads_itself_again_only_where_that_is_in_its_address() {
        let shell = |url: &str| Shell {
            url: url.into(),
            ..Shell::plain("t")
        };
        assert_eq!(shell("/queue").timed(), "/queue?refresh=30");
        assert_eq!(shell("/?q=a").timed(), "/?q=a&refresh=30");
        assert_eq!(shell("/?q=a&refresh=30&b=1").untimed(), "/?q=a&b=1");
        assert_eq!(shell("/queue").untimed(), "/queue");
    }
}
