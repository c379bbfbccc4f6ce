//! Prompts that begin alike, and prompts that no other step has been given.

use crate::app::App;
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, page, run_link};
use assay_core::wire::{CompletionItem, Record};

/// Longer than what is shown at once, and one but for its end.
fn prompt(ending: &str) -> String {
    "Q: 1+1? A: 2. ".repeat(400) + ending
}

/// One completion a group.
fn asked(step: u64, endings: &[&str]) -> Record {
    let item = |(group, ending): (usize, &&str)| CompletionItem {
        group: group as u32,
        index: 0,
        prompt: prompt(ending),
        gold: "2".into(),
        completion: "A2".into(),
        reward: 1.0,
        advantage: 0.0,
        length: 1,
        truncated: false,
        correct: true,
        components: Default::default(),
    };
    Record::Completions {
        step,
        items: endings.iter().enumerate().map(item).collect(),
    }
}

#[test]
fn whole_prompts_make_a_pair_and_groups_stand_by_number_where_there_is_none() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 20).await;
        let id = seeder.submit(&spec(&THREE, 1, 3)).await;
        seeder.extra = vec![
            asked(17, &["one"]),
            asked(18, &["two", "one"]),
            asked(19, &["three"]),
        ];
        seeder.work_off(|_| Until::End).await;
        id
    });
    let text = page(&app, &format!("/experiments/{id}"));
    let run = run_link(&text, "GRPO from the base", 0);
    let both = page(&app, &format!("{run}/samples?step=17&with=18"));
    assert!(both.contains("<summary>The rest of the prompt</summary>"));
    assert!(both.contains("2. one</pre>") && !both.contains("cut: "));
    assert!(both.contains("id=\"s18-g1-i0-at-s17-g0\""), "{both}");
    assert!(
        !both.contains("id=\"s18-g0-i0"),
        "another prompt that begins alike"
    );
    assert!(both.contains("beside step <a data-go=\"d\""));

    let text = page(&app, &format!("{run}/samples?step=19"));
    assert!(
        text.contains("beside group 1 of step <a data-go=\"d\""),
        "{text}"
    );
    let both = page(&app, &format!("{run}/samples?step=19&with=17"));
    for words in [
        "groups stand beside each other by number: this is group 1 of that step",
        "id=\"s17-g0-i0-at-s19-g0\"",
        "2. one</pre>",
        "2. three</pre>",
    ] {
        assert!(both.contains(words), "{words}\n{both}");
    }

    // The run's own page has it whole too.
    let text = page(&app, &format!("{run}?stage=grpo&step=17"));
    let answers = &text[text.find("id=\"answers\"").unwrap()..];
    assert!(answers.contains("The rest of the prompt") && answers.contains("2. one</pre>"));
}
