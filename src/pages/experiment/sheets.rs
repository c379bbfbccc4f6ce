//! The tables beside the comparison as files: decoders, charges, configurations, pass@k. Every
//! arm has its row, whatever the figures show.

use super::matrix::keys;
use super::tables::{Cell, MEANS, Sheet, Table, head};
use super::view::Wanted;
use super::{Material, comparison, tries as passk};
use crate::number::Kind;
use crate::pages::sheet::PASS_AT;
use crate::pages::words;
use assay_core::config::Differs;
use assay_core::decoders::by_policy;
use assay_core::ledger::Cost;
use assay_core::outcome::Mark;
use assay_core::spec::BudgetUnit;

/// The head of a column after something that the house does not name: told apart from its own
/// words, and without what would break a line.
fn named(before: &str, word: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    format!("{before}{}", word.chars().map(plain).collect::<String>())
}

fn failed(of: &Material, arm: &str) -> bool {
    of.mark(arm) == Some(Mark::Unsuccessful)
}

/// A row a decoder and level that was planned; those that the link hides are left out, as in
/// the picture.
pub(super) fn decoded(of: &Material, wanted: &Wanted) -> Sheet {
    let mut sheet = Sheet {
        word: Table::Decoders.word().into(),
        title: "Test questions answered right by decoders of one policy, a question at the cost of so many of its samples".into(),
        said: String::new(),
        note: MEANS,
        along: None,
        head: head(&[
            "arm",
            "label",
            "policy",
            "samples",
            "n",
            "planned",
            "value",
            "tokens_per_question",
            "flops_per_question",
            "training",
            "mark",
        ]),
        rows: vec![],
        unsuccessful: vec![],
        kind: Kind::Share,
    };
    for group in by_policy(&of.view.spec, &of.decoders) {
        let rows = wanted.table_sort().decoders(&group.rows).into_iter();
        for row in rows.filter(|r| !wanted.hides(of, &r.arm)) {
            let mark = of.mark(&row.arm).map_or(String::new(), |m| m.to_string());
            for cell in row.cells.iter().filter(|cell| cell.planned) {
                sheet.unsuccessful.push(failed(of, &row.arm));
                sheet.rows.push(vec![
                    Cell::Text(row.arm.clone()),
                    Cell::said(&of.name(&row.arm)),
                    Cell::said(&of.policy(&group.policy)),
                    Cell::Count(cell.level as usize),
                    Cell::Count(cell.value.map_or(0, |v| v.n)),
                    Cell::Count(row.planned_seeds),
                    Cell::Estimate(cell.value),
                    Cell::Cost(cell.tokens),
                    Cell::Cost(cell.flops),
                    Cell::Cost(row.training),
                    Cell::Text(mark.clone()),
                ]);
            }
        }
    }
    sheet
}

/// What was charged to each arm, in the budget's unit, by purpose; and all of it in every unit.
pub(super) fn costs(of: &Material) -> Sheet {
    let unit = of.view.spec.budget.unit;
    let in_unit = |cost: &Cost| match unit {
        BudgetUnit::Flops => cost.flops,
        BudgetUnit::Tokens => cost.tokens,
    };
    let arms = &of.ledger.arms;
    let mut purposes: Vec<&str> = arms
        .iter()
        .flat_map(|arm| arm.purposes.keys())
        .map(String::as_str)
        .collect();
    purposes.sort_unstable();
    purposes.dedup();
    let mut names = head(&["arm", "label", "runs", "charged"]);
    names.extend(purposes.iter().map(|purpose| named("for_", purpose)));
    names.extend(head(&[
        "apart",
        "charged_and_apart",
        "measuring",
        "charged_tokens",
        "charged_flops",
        "charged_device_s",
    ]));
    Sheet {
        word: Table::Costs.word().into(),
        title: format!(
            "Charged to the arms by purpose, {}, all seeds, as if each arm were alone",
            words::unit(unit)
        ),
        said: String::new(),
        note: "",
        along: None,
        head: names,
        unsuccessful: arms.iter().map(|arm| failed(of, &arm.arm_key)).collect(),
        kind: Kind::Other,
        rows: arms
            .iter()
            .map(|arm| {
                let apart: f64 = arm.apart.iter().map(|(_, cost)| in_unit(cost)).sum();
                let charged = in_unit(&arm.charged);
                let mut row = vec![
                    Cell::Text(arm.arm_key.clone()),
                    Cell::said(&arm.label),
                    Cell::Count(arm.runs.unsigned_abs() as usize),
                    Cell::Cost(Some(charged)),
                ];
                let own = purposes.iter().map(|purpose| arm.purposes.get(*purpose));
                row.extend(own.map(|cost| Cell::Cost(cost.map(in_unit))));
                row.extend([
                    Cell::Cost(Some(apart)),
                    Cell::Cost(Some(charged + apart)),
                    Cell::Cost(Some(in_unit(&arm.never))),
                    Cell::Cost(Some(arm.charged.tokens)),
                    Cell::Cost(Some(arm.charged.flops)),
                    Cell::Cost(Some(arm.charged.device_ms / 1e3)),
                ]);
                row
            })
            .collect(),
    }
}

/// Keys with different values, whole.
pub(super) fn matrix(of: &Material) -> Sheet {
    let spec = &of.view.spec;
    let rows: Vec<Vec<Cell>> = keys(of)
        .into_iter()
        .filter(|row| row.differs == Differs::InValue)
        .map(|row| {
            let values = row.values.into_iter().map(Option::unwrap_or_default);
            let cells = std::iter::once(row.key).chain(values);
            cells.map(|cell| Cell::said(&cell)).collect()
        })
        .collect();
    let mut names = head(&["key"]);
    names.extend(spec.arms.iter().map(|arm| named("arm_", &arm.id)));
    Sheet {
        word: Table::Matrix.word().into(),
        title: "Configuration of the arms: resolved values that differ, empty where the recipe has no such stage".into(),
        said: String::new(),
        note: "",
        along: None,
        head: names,
        unsuccessful: vec![false; rows.len()],
        kind: Kind::Other,
        rows,
    }
}

/// Test pass@k, the unbiased estimate of every seed.
pub(super) fn tries(of: &Material, wanted: &Wanted) -> Sheet {
    let columns = passk::columns(of);
    let arms = comparison::ordered(of, wanted);
    let mut names = head(&["arm", "label", "n"]);
    names.extend(columns.iter().map(|k| format!("{PASS_AT}{k}")));
    let row = |arm: &str| {
        let n = of.pass_at_k.iter().filter(|run| run.arm_key == arm).count();
        let mut row = vec![
            Cell::Text(arm.into()),
            Cell::said(&of.name(arm)),
            Cell::Count(n),
        ];
        let cells = columns.iter().map(|k| passk::estimate(of, arm, *k));
        row.extend(cells.map(Cell::Estimate));
        row
    };
    Sheet {
        word: Table::Tries.word().into(),
        title: format!(
            "Test pass@k, unbiased from all samples of a question ({})",
            of.basis()
        ),
        said: String::new(),
        note: MEANS,
        along: None,
        head: names,
        unsuccessful: arms.iter().map(|arm| failed(of, &arm.key)).collect(),
        kind: Kind::Share,
        rows: arms.iter().map(|arm| row(&arm.key)).collect(),
    }
}
