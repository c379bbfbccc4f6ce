//! The second ledger: what had to be known or written, beside what was computed.

use crate::Result;
use assay_core::ids::ExperimentId;
use assay_core::spec::Charge;
use assay_core::supervision::ArmSupervision;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Arm by arm, each as if alone: means over its finished runs that count of what the stages that it
/// is charged for used. What an accident has made to be done twice counts once.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn list_supervision(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<ArmSupervision>> {
    let rows = sqlx::query!(
        r#"with done as materialized (
             select r.id, r.arm_id from run r
             -- The last stage cannot succeed before those that it builds on.
             where r.experiment_id = $1 and 'succeeded' = (
                 select j.state from run_stage rs join job j on j.stage_id = rs.stage_id
                 where rs.run_id = r.id order by rs.position desc limit 1)
             and not exists (select from excluded_run where run_id = r.id)
         ), used as (
             select d.arm_id, s.kind, sum(s.count)::float8 as count
             from done d
             join run_stage rs on rs.run_id = d.id and rs.charge = $2
             join supervision s on s.stage_id = rs.stage_id
             join kept k on k.stage_id = s.stage_id and k.attempt = s.attempt
             where s.step <= k.last_step
             group by d.arm_id, s.kind
         )
         select a.key, a.label,
             (select count(*) from done where arm_id = a.id) as "runs!",
             u.kind as "kind?", u.count as "count?"
         from arm a left join used u on u.arm_id = a.id
         where a.experiment_id = $1 order by a.position, u.kind"#,
        experiment.0,
        Charge::Arm.word()
    )
    .fetch_all(conn)
    .await?;
    let mut arms: Vec<ArmSupervision> = vec![];
    for row in rows {
        if arms.last().is_none_or(|arm| arm.arm != row.key) {
            arms.push(ArmSupervision {
                arm: row.key,
                label: row.label,
                runs: usize::try_from(row.runs).unwrap_or(0),
                counts: BTreeMap::new(),
            });
        }
        if let (Some(arm), Some(kind), Some(count)) = (arms.last_mut(), row.kind, row.count) {
            arm.counts.insert(kind, count / row.runs.max(1) as f64);
        }
    }
    Ok(arms)
}
