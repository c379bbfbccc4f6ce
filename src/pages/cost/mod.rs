//! `/cost`: what would it cost, what did we spend, what share went to what did not work?

mod detectable;
mod files;
mod measured;
mod prices;
mod published;
mod unpriced;
mod what_if;

use super::filed::{Links, OF_TABLE};
use super::judged::{Judged, judged};
use super::query::Asked;
use super::{Shell, filters, html};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::denominator::{NoVerdict, is_unsuccessful, unsuccessful};
use assay_core::detectable::POWER;
use assay_core::ids::ExperimentId;
use assay_core::spending::{KindSpeed, Spending, Spent, StageSpend, spending};
use assay_store::{self as store, Price};
use detectable::Detectable;
pub use files::get as file;
use measured::Measured;
pub use prices::add as add_price;
use prices::{PriceForm, PriceRow, rows as price_rows};
use published::PublishedRow;
use time::OffsetDateTime;
use unpriced::Unpriced;
use what_if::WhatIf;

#[derive(Template)]
#[template(path = "cost/page.html")]
struct CostPage {
    shell: Shell,
    ask: Ask,
    lines: Vec<String>,
    /// What the ± of the lines stands for.
    spread: bool,
    measured: Vec<Measured>,
    link: String,
    prices: Vec<PriceRow>,
    /// Devices that no price holds for.
    without: Vec<Unpriced>,
    /// Of a price: empty, or as it was sent with what is wrong.
    form: PriceForm,
    /// What is asked for: a form that is sent goes back to it.
    query: String,
    spent: Vec<SpentRow>,
    /// Sums over the listed experiments.
    total: Option<SpentRow>,
    chosen: Option<ByArm>,
    /// In how many experiments a detectable difference is shown.
    power: String,
    /// The address keeps it.
    experiment: Option<String>,
    /// A price was in force for some of what was spent.
    priced: bool,
    /// Device time for which none was.
    unpriced: Option<String>,
    more: bool,
    published: Vec<PublishedRow>,
    correction: String,
    rate: Option<String>,
    files: Tables,
}

/// Files of the page's tables.
struct Tables {
    prices: Links,
    spent: Links,
    /// Of the chosen experiment.
    arms: Links,
    detectable: Links,
    published: Links,
}

impl Tables {
    fn new(query: &str) -> Self {
        let links = |word: &str| Links::new(&format!("/cost/{word}"), &OF_TABLE, query);
        Self {
            prices: links("prices"),
            spent: links("spent"),
            arms: links("arms"),
            detectable: links("detectable"),
            published: links("published"),
        }
    }
}

/// What the form shows again.
#[derive(Debug, Default)]
struct Ask {
    gpus: String,
    hours: String,
    rate: String,
    seeds: String,
    arms: String,
    steps: String,
    rollouts: String,
    tokens: String,
    speed: String,
    train: String,
}

/// One experiment, or one arm of it.
struct SpentRow {
    href: Option<String>,
    name: String,
    device: String,
    flops: String,
    dollars: String,
    unsuccessful: String,
    evaluation: String,
    lost: String,
    /// Of an experiment: the difference that its planned seeds can show.
    detectable: String,
}

struct ByArm {
    name: String,
    rows: Vec<SpentRow>,
    said: String,
    detectable: Detectable,
}

const EXPERIMENTS: i64 = 20;

struct Material {
    experiments: Vec<(Judged, Vec<StageSpend>)>,
    chosen: Option<(Judged, Vec<StageSpend>)>,
    prices: Vec<Price>,
    /// Names of devices that no price holds for; read for the page alone.
    without: Vec<String>,
    /// Of past stages, by kind and device.
    speeds: Vec<KindSpeed>,
    more: bool,
}

impl CostPage {
    fn new(shell: Shell, of: &Material, ask: WhatIf, now: OffsetDateTime) -> Self {
        let plain = |n: Option<f64>| n.map_or(String::new(), |n| n.to_string());
        let sums: Vec<Spending> = of.experiments.iter().map(|(j, s)| summed(j, s)).collect();
        let mut total = Spending::default();
        // Of the experiments whose rule has spoken.
        let (mut spoken, mut with_verdict) = (Spending::default(), 0);
        for ((of, _), sum) in of.experiments.iter().zip(&sums) {
            add(&mut total, sum);
            if of.outcome.has_spoken() {
                add(&mut spoken, sum);
                with_verdict += 1;
            }
        }
        let all = with_verdict == sums.len();
        let together = match (with_verdict, all) {
            (0, _) => NoVerdict::NotYet.to_string(),
            (_, true) => on_unsuccessful(&spoken),
            (n, false) => format!(
                "{} of {} with a verdict",
                on_unsuccessful(&spoken),
                number::counted(n as i64, "experiment")
            ),
        };
        let unpriced = total.total.unpriced_ms;
        let experiment = of.chosen.as_ref().map(|(j, _)| j.view.id.to_string());
        let lines = ask.lines(measured::spread(&of.speeds, ask.speed));
        let query = ask.query(experiment.as_deref());
        Self {
            shell,
            spread: lines.iter().any(|line| line.contains('±')),
            lines,
            measured: measured::rows(&of.speeds, &ask, experiment.as_deref()),
            files: Tables::new(&query),
            link: format!("/cost{query}"),
            ask: Ask {
                gpus: plain(ask.gpus),
                hours: plain(ask.hours),
                rate: plain(ask.rate),
                seeds: plain(ask.seeds),
                arms: plain(ask.arms),
                steps: plain(ask.steps),
                rollouts: plain(ask.rollouts),
                tokens: plain(ask.tokens),
                speed: plain(ask.speed),
                train: plain(ask.train),
            },
            prices: price_rows(&of.prices, now, &ask, experiment.as_deref()),
            without: unpriced::rows(&of.without, &query),
            form: PriceForm::empty(now),
            query,
            spent: of
                .experiments
                .iter()
                .zip(&sums)
                .map(|((judged, _), sum)| {
                    let id = judged.view.id.to_string();
                    let href = format!("/cost{}", ask.query(Some(&id)));
                    SpentRow {
                        detectable: detectable::widest(judged),
                        ..row(Some(href), judged.view.name.clone(), sum, part(judged, sum))
                    }
                })
                .collect(),
            total: (sums.len() > 1).then(|| row(None, "Together".into(), &total, together)),
            chosen: of
                .chosen
                .as_ref()
                .map(|(judged, stages)| by_arm(judged, stages, ask.seeds)),
            power: number::percent(POWER),
            experiment,
            priced: total.total.dollars.is_some(),
            unpriced: (total.total.dollars.is_some() && unpriced > 0.0)
                .then(|| number::duration(unpriced)),
            more: of.more,
            published: published::rows(ask.rate),
            correction: published::correction(),
            rate: ask.rate.map(number::dollars),
        }
    }
}

fn summed(of: &Judged, stages: &[StageSpend]) -> Spending {
    let arms = of.view.arms.iter().map(|arm| arm.key.as_str());
    spending(arms, stages, |arm| is_unsuccessful(&of.outcome, arm))
}

fn add(total: &mut Spending, of: &Spending) {
    total.evaluation += of.evaluation;
    total.lost += of.lost;
    for (sum, part) in [
        (&mut total.total, &of.total),
        (&mut total.unsuccessful, &of.unsuccessful),
    ] {
        sum.cost += part.cost;
        sum.unpriced_ms += part.unpriced_ms;
        if let Some(dollars) = part.dollars {
            *sum.dollars.get_or_insert(0.0) += dollars;
        }
    }
}

fn money(of: &Spent) -> String {
    of.dollars.map_or(number::NONE.into(), number::dollars)
}

/// The part that went to stages which unsuccessful arms alone need.
fn on_unsuccessful(of: &Spending) -> String {
    let share = of.unsuccessful.share_of(&of.total);
    share.map_or(number::NONE.into(), |share| {
        let time = number::duration(of.unsuccessful.cost.device_ms);
        format!("{} ({time})", number::percent(share))
    })
}

/// The same of one experiment: no number where its rule has not spoken.
fn part(of: &Judged, sum: &Spending) -> String {
    match unsuccessful(&of.outcome, []) {
        Ok(_) => on_unsuccessful(sum),
        Err(why) => why.to_string(),
    }
}

fn row(href: Option<String>, name: String, of: &Spending, unsuccessful: String) -> SpentRow {
    SpentRow {
        href,
        name,
        device: number::duration(of.total.cost.device_ms),
        flops: number::prefixed(of.total.cost.flops),
        dollars: money(&of.total),
        unsuccessful,
        evaluation: number::duration(of.evaluation.device_ms),
        lost: number::duration(of.lost.device_ms),
        detectable: String::new(),
    }
}

fn by_arm(of: &Judged, stages: &[StageSpend], seeds: Option<f64>) -> ByArm {
    let sum = summed(of, stages);
    let line = |name: String, spent: &Spent, note: &str| SpentRow {
        href: None,
        name,
        device: number::duration(spent.cost.device_ms),
        flops: number::prefixed(spent.cost.flops),
        dollars: money(spent),
        unsuccessful: note.into(),
        evaluation: String::new(),
        lost: String::new(),
        detectable: String::new(),
    };
    let mut rows: Vec<SpentRow> = sum
        .arms
        .iter()
        .map(|(key, spent)| {
            let known = of.view.arms.iter().find(|a| a.key == *key);
            let note = if is_unsuccessful(&of.outcome, key) {
                "unsuccessful"
            } else {
                ""
            };
            line(known.map_or(key.clone(), |a| a.label.clone()), spent, note)
        })
        .collect();
    rows.push(line("Shared by several arms".into(), &sum.shared, ""));
    rows.push(line("All".into(), &sum.total, ""));
    ByArm {
        name: of.view.name.clone(),
        detectable: detectable::of(of, seeds),
        rows,
        said: match unsuccessful(&of.outcome, []) {
            Err(NoVerdict::Withheld) => {
                "Verdicts are withheld, so no arm is called unsuccessful yet.".into()
            }
            Err(NoVerdict::NotYet) => {
                "No verdict has been given yet, so no arm is called unsuccessful.".into()
            }
            Ok(_) => {
                let mut said = "Each stage once: under the arm that alone needs it, else as shared. Stages that an earlier experiment had computed are that one's.".to_string();
                if let Some(open) = of.outcome.interim_said() {
                    said += &format!(" {open}");
                }
                said
            }
        },
    }
}

async fn material(state: &AppState, chosen: Option<ExperimentId>) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let mut list = store::list_experiments(&mut conn, EXPERIMENTS + 1, None).await?;
    let more = list.len() as i64 > EXPERIMENTS;
    list.truncate(EXPERIMENTS as usize);
    let mut ids: Vec<ExperimentId> = list.iter().map(|e| e.id).collect();
    ids.extend(chosen);
    let mut spent = store::list_spending(&mut conn, &ids).await?;
    let chosen = match chosen {
        Some(id) => Some((
            judged(&mut conn, id).await?,
            spent.get(&id).cloned().unwrap_or_default(),
        )),
        None => None,
    };
    let mut experiments = vec![];
    for of in list {
        let stages = spent.remove(&of.id).unwrap_or_default();
        experiments.push((judged(&mut conn, of.id).await?, stages));
    }
    Ok(Material {
        experiments,
        chosen,
        prices: store::list_prices(&mut conn).await?,
        without: vec![],
        speeds: store::list_speeds(&mut conn).await?,
        more,
    })
}

/// The experiment that is asked for.
fn chosen(asked: &mut Asked) -> Option<ExperimentId> {
    let text = asked.text("experiment")?;
    let id = text.parse::<ExperimentId>();
    if id.is_err() {
        asked.refuse("experiment", &text);
    }
    id.ok()
}

async fn shell(state: &AppState, request: &HttpRequest) -> Result<Shell, Problem> {
    let sign = store::last_change(&mut *state.conn().await?).await?;
    Ok(Shell::new(state, request, "Cost")
        .crumb("/", "Experiments")
        .signed(&sign))
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let ask = WhatIf::read(&mut asked);
    let device = unpriced::asked_device(&mut asked);
    let mut of = material(&state, chosen(&mut asked)).await?;
    let now = OffsetDateTime::now_utc();
    of.without = unpriced::read(&mut *state.conn().await?, &of, now).await?;
    let mut shell = shell(&state, &request).await?;
    shell.ignored = asked.ignored();
    let mut page = CostPage::new(shell, &of, ask, now);
    if !device.is_empty() {
        page.form = PriceForm::of(&device, now);
    }
    html(&page)
}

#[cfg(test)]
mod tests;
