//! Every published figure, typed a second time from the papers' tables: a digit that changes in
//! one of the two places alone is a mistake.

use super::library;
use std::collections::BTreeMap;

type Row = (&'static str, &'static [Option<f64>]);

/// A table of one source: its columns, and models with a figure a column.
struct Table {
    source: &'static str,
    columns: &'static [(&'static str, &'static str)],
    rows: &'static [Row],
}

const fn is(of: f64) -> Option<f64> {
    Some(of)
}

const SIX: &[(&str, &str)] = &[
    ("aime_2024", "pass@1"),
    ("math_500", "pass@1"),
    ("gpqa_diamond", "pass@1"),
    ("livecodebench", "pass@1"),
    ("codeforces", "rating"),
    ("mmlu", "pass@1"),
];

const WITH_MAJORITY: &[(&str, &str)] = &[
    ("aime_2024", "pass@1"),
    ("aime_2024", "cons@64"),
    ("math_500", "pass@1"),
    ("gpqa_diamond", "pass@1"),
    ("livecodebench", "pass@1"),
    ("codeforces", "rating"),
];

#[rustfmt::skip]
const TABLES: &[Table] = &[
    Table { source: "r1-v1", columns: SIX, rows: &[
        ("Claude-3.5-Sonnet-1022", &[is(16.0), is(78.3), is(65.0), is(38.9), is(717.0), is(88.3)]),
        ("GPT-4o-0513", &[is(9.3), is(74.6), is(49.9), is(32.9), is(759.0), is(87.2)]),
        ("DeepSeek-V3", &[is(39.2), is(90.2), is(59.1), is(36.2), is(1134.0), is(88.5)]),
        ("OpenAI o1-mini", &[is(63.6), is(90.0), is(60.0), is(53.8), is(1820.0), is(85.2)]),
        ("OpenAI o1-1217", &[is(79.2), is(96.4), is(75.7), is(63.4), is(2061.0), is(91.8)]),
        ("DeepSeek-R1", &[is(79.8), is(97.3), is(71.5), is(65.9), is(2029.0), is(90.8)]),
    ] },
    Table { source: "r1-v1", columns: WITH_MAJORITY, rows: &[
        ("Claude-3.5-Sonnet-1022", &[None, is(26.7), None, None, None, None]),
        ("GPT-4o-0513", &[None, is(13.4), None, None, None, None]),
        ("OpenAI o1-mini", &[None, is(80.0), None, None, None, None]),
        ("OpenAI o1-0912", &[is(74.4), is(83.3), is(94.8), is(77.3), is(63.4), is(1843.0)]),
        ("DeepSeek-R1-Zero", &[is(71.0), is(86.7), is(95.9), is(73.3), is(50.0), is(1444.0)]),
        ("QwQ-32B-Preview", &[is(50.0), is(60.0), is(90.6), is(54.5), is(41.9), is(1316.0)]),
        ("DeepSeek-R1-Distill-Qwen-1.5B", &[is(28.9), is(52.7), is(83.9), is(33.8), is(16.9), is(954.0)]),
        ("DeepSeek-R1-Distill-Qwen-7B", &[is(55.5), is(83.3), is(92.8), is(49.1), is(37.6), is(1189.0)]),
        ("DeepSeek-R1-Distill-Qwen-14B", &[is(69.7), is(80.0), is(93.9), is(59.1), is(53.1), is(1481.0)]),
        ("DeepSeek-R1-Distill-Qwen-32B", &[is(72.6), is(83.3), is(94.3), is(62.1), is(57.2), is(1691.0)]),
        ("DeepSeek-R1-Distill-Llama-8B", &[is(50.4), is(80.0), is(89.1), is(49.0), is(39.6), is(1205.0)]),
        ("DeepSeek-R1-Distill-Llama-70B", &[is(70.0), is(86.7), is(94.5), is(65.2), is(57.5), is(1633.0)]),
        ("DeepSeek-R1-Zero-Qwen-32B", &[is(47.0), is(60.0), is(91.6), is(55.0), is(40.2), None]),
    ] },
    Table { source: "r1-readme", columns: &[("aime_2024", "pass@1"), ("livecodebench", "pass@1")], rows: &[
        ("QwQ-32B-Preview", &[is(44.0), None]),
        ("Claude-3.5-Sonnet-1022", &[None, is(33.8)]),
        ("GPT-4o-0513", &[None, is(34.2)]),
    ] },
    Table { source: "r1-v2", columns: &[
        ("aime_2024", "pass@1"), ("math_500", "pass@1"), ("gpqa_diamond", "pass@1"),
        ("livecodebench", "pass@1"), ("codeforces", "rating"), ("mmlu", "em"),
    ], rows: &[
        ("DeepSeek-R1-Zero", &[is(77.9), is(95.9), is(75.8), is(50.0), is(1444.0), is(88.8)]),
        ("DeepSeek-R1 Dev1", &[is(59.0), None, is(66.1), None, is(1534.0), None]),
        ("DeepSeek-R1", &[is(79.8), is(97.3), is(71.5), is(65.9), is(2029.0), is(90.8)]),
    ] },
];

#[test]
fn every_published_figure_is_what_its_table_has() {
    let mut typed = BTreeMap::new();
    for table in TABLES {
        for (model, values) in table.rows {
            assert_eq!(values.len(), table.columns.len(), "{model}");
            for ((benchmark, metric), value) in table.columns.iter().zip(*values) {
                if let Some(value) = value {
                    let key = (table.source, *model, *benchmark, *metric);
                    assert_eq!(typed.insert(key, *value), None, "twice: {key:?}");
                }
            }
        }
    }
    let own = library().results.iter().map(|r| {
        let key = (
            r.source.as_str(),
            r.model.as_str(),
            r.benchmark.as_str(),
            r.metric.as_str(),
        );
        (key, r.value)
    });
    assert_eq!(own.collect::<BTreeMap<_, _>>(), typed);
}
