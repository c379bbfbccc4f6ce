//! The tables of the page as files.

use super::super::tables::Table;
use super::*;
use crate::pages::filed::About;
use assay_core::ledger::Cost;
use assay_core::task::Split;
use assay_core::wire::Cumulative;
use assay_store::{EvaluationView, LedgerRow};

const HOSTILE: &str = "=1+1 \"</script>\u{202e}\n\\end{document}";
/// As it stands in a cell.
const WRITTEN: &str = "\"'=1+1 \"\"</script>⟨U+202E⟩ \\end{document}\"";

fn measured() -> EvaluationView {
    EvaluationView {
        id: 1,
        stage: StageId(uuid::Uuid::nil()),
        attempt: 1,
        step: 1_200,
        split: Split::Test,
        milestone: Some(25),
        cum: Cumulative::default(),
        temperature: 1.0,
        top_p: 1.0,
        max_completion_length: 64,
        problems: 16,
        samples: 8,
        pass_at_1: 0.062_5,
        maj_at_k: 0.125,
        mean_length: 12.5,
        truncated_share: 0.0,
    }
}

/// With something in each of its tables, most of it hostile.
fn full() -> Material {
    let mut of = material();
    of.evaluations = vec![(HOSTILE.into(), measured())];
    of.ledger = vec![LedgerRow {
        position: 0,
        name: "rl".into(),
        stage: StageId(uuid::Uuid::nil()),
        purpose: HOSTILE.into(),
        charged: true,
        cost: Cost {
            tokens: 1_500_000.0,
            flops: 3e9,
            device_ms: 2_500.0,
        },
    }];
    of.events[0].1.text = HOSTILE.into();
    of.files[0].1.role = HOSTILE.into();
    of.attempts[0].1.worker_name = Some(HOSTILE.into());
    of.spec = Some(json!({ "note": HOSTILE }));
    of.against = Some(Against {
        run: of.siblings[0].0,
        name: HOSTILE.into(),
        spec: Some(json!({ "note": "other" })),
        code: of.commits(),
    });
    of
}

fn csv(of: &Material, table: Table) -> String {
    let sheet = table.sheet(of).unwrap();
    sheet.csv(&About::new(HOSTILE, &[], &sheet))
}

#[test]
fn hostile_texts_are_whole_in_every_file_and_run_nothing() {
    let of = full();
    for table in Table::ALL {
        let csv = csv(&of, table);
        assert_eq!(csv.contains(WRITTEN), table != Table::Alarms, "{csv}");
        assert!(csv.lines().all(|l| !l.starts_with('=')), "{csv}");
        let sheet = table.sheet(&of).unwrap();
        let tex = sheet.tex(&About::new(HOSTILE, &[], &sheet));
        assert!(!csv.contains('\u{202e}') && !tex.contains('\u{202e}'));
        assert_eq!(tex.matches('{').count(), tex.matches('}').count(), "{tex}");
        assert_eq!(tex.matches("\\end{").count(), 2, "{tex}");
        for row in &sheet.rows {
            assert_eq!(row.len(), sheet.head.len(), "{csv}");
        }
    }
}

#[test]
fn numbers_in_files_have_all_their_digits() {
    let of = full();
    for (table, row) in [
        (
            Table::Evaluations,
            ",1200,test,25,0.0625,0.125,12.5,0,16,8,1,1,64\r\n",
        ),
        (Table::Ledger, ",yes,1500000,3000000000,2.5\r\n"),
        (
            Table::Alarms,
            "\r\ntruncated_much,\"truncated share above 0.1\",0.1,\"default\",raised,1,0.5\r\n",
        ),
        (
            Table::Found,
            "\r\n1970-01-01 00:40:00 UTC,\"rl\",worker,,30,,,",
        ),
        (Table::Stored, ",20,1,1500000,yes,1970-01-01 00:20:00 UTC,"),
        (Table::Environment, ",1970-01-01 00:00:00 UTC,3000\r\n"),
        (Table::Difference, "\",\"other\"\r\n"),
    ] {
        let csv = csv(&of, table);
        assert!(csv.contains(row), "{row}\n{csv}");
    }
}

#[test]
fn tables_are_linked_for_the_stage_that_is_shown_and_missing_ones_are_none() {
    let mut of = full();
    let text = render(&of);
    let run = of.run.id;
    for file in [
        "evaluations.csv?stage=rl\"",
        "ledger.json?stage=rl\"",
        "alarms.tex?stage=rl\"",
        "found.csv?stage=rl\"",
        "files.csv?stage=rl\"",
        "environment.csv?stage=rl\"",
        "config.csv?stage=rl\"",
    ] {
        assert!(text.contains(&format!("\"/runs/{run}/{file}")), "{file}");
    }
    let other = of.siblings[0].0;
    let beside = format!("\"/runs/{run}/difference.csv?stage=rl&#38;against={other}\"");
    assert!(text.contains(&beside), "{text}");
    (of.stage, of.spec, of.against) = (None, None, None);
    for table in [Table::Alarms, Table::Config, Table::Difference] {
        assert!(table.sheet(&of).is_none(), "{table:?}");
    }
    assert!(csv(&of, Table::Ledger).contains("\"rl\""));
}
