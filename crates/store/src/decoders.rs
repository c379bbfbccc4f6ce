//! What decoders reached, at which cost of inference.

use crate::Result;
use crate::ledger::not_charged;
use crate::numbers::unsigned;
use assay_core::decoders::{DecoderFigures, DecoderRun};
use assay_core::ids::ExperimentId;
use assay_core::recipe::EVAL;
use assay_core::spec::{BudgetUnit, Charge};
use assay_core::task::Split;
use sqlx::PgConnection;

/// Every level of every decoder on the test split, arm by arm, seed by seed. A run
/// appears once its decoder has succeeded.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn decoder_figures(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<DecoderFigures>> {
    decoder_figures_for_split(conn, experiment, Split::Test).await
}

/// As [`decoder_figures`], of another split.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn decoder_figures_for_split(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    split: Split,
) -> Result<Vec<DecoderFigures>> {
    // A decoder's run alone has no final evaluation: its last stage answers itself, one
    // evaluation a level. The step is the level, what it cost is the mean of a question.
    let rows = sqlx::query!(
        r#"select a.key, a.label,
             (select count(*) from run where arm_id = a.id) as "planned!",
             r.seed as "seed?", e.step as "level?", e.pass_at_1 as "pass_at_1?",
             e.cum_tokens as "tokens?", e.cum_flops as "flops?", c.charged as "charged?",
             exists (select from excluded_run where run_id = r.id) as "excluded!"
         from arm a
         join experiment x on x.id = a.experiment_id
         join experiment_version v on v.experiment_id = x.id and v.version = x.version
         left join run r on r.arm_id = a.id
         left join lateral (
             select distinct on (e.step) e.* from (
                 select * from run_stage where run_id = r.id order by position desc limit 1) rs
             join job j on j.stage_id = rs.stage_id and j.state = 'succeeded'
             join evaluation e on e.stage_id = rs.stage_id
             join kept k on k.stage_id = e.stage_id and k.attempt = e.attempt
             where e.split = $2 and e.milestone is null and e.step <= k.last_step
             order by e.step, e.id desc) e on true
         left join lateral (
             select sum(case v.spec -> 'budget' ->> 'unit' when $6 then t.flops else t.tokens end)
                 as charged
             from run_stage rs join ledger_total t on t.stage_id = rs.stage_id
             where rs.run_id = r.id and rs.charge = $4 and t.purpose <> all($5)) c on true
         where a.experiment_id = $1 and not exists (
             select 1 from run p join run_stage rs on rs.run_id = p.id
             where p.arm_id = a.id and rs.name = $3)
         order by a.position, r.seed, e.step"#,
        experiment.0,
        split.word(),
        EVAL,
        Charge::Arm.word(),
        &not_charged(),
        BudgetUnit::Flops.word()
    )
    .fetch_all(conn)
    .await?;
    let mut arms: Vec<DecoderFigures> = vec![];
    for row in rows {
        if arms.last().is_none_or(|arm| arm.id != row.key) {
            arms.push(DecoderFigures {
                id: row.key,
                label: row.label,
                planned_seeds: usize::try_from(row.planned).unwrap_or(0),
                runs: vec![],
            });
        }
        let (Some(arm), Some(seed), Some(level), Some(pass_at_1)) =
            (arms.last_mut(), row.seed, row.level, row.pass_at_1)
        else {
            continue;
        };
        arm.runs.push(DecoderRun {
            seed: unsigned(seed),
            level: u32::try_from(level).unwrap_or(u32::MAX),
            pass_at_1,
            tokens: row.tokens.unwrap_or(0.0),
            flops: row.flops.unwrap_or(0.0),
            charged: row.charged.unwrap_or(0.0),
            excluded: row.excluded,
        });
    }
    Ok(arms)
}
