//! Curves of any metric, and every seed's line however many there are.

use super::figures::{asked, page};
use super::*;
use crate::charts::Theme;
use crate::pages::query::Asked;

#[test]
fn files_draw_every_seed_whatever_their_number_and_say_how_many() {
    let labels: Vec<String> = (0..26).map(|i| format!("Recipe number {i}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let thin = |svg: &str| svg.matches("class=\"bh\"").count();
    for (arms, seeds, drawn) in [(13, 5, 60), (26, 4, 24 * 4)] {
        let of = material(&labels[..arms], seeds, &vec![seeds; arms], 40);
        let (wanted, _) = asked(&of, "seeds=1");
        let carried = Carried::new(&of, &wanted);
        // Beside the trained arms, the milestones have the base, which has one point a seed.
        for (name, all) in [(Name::Training, arms - 1), (Name::Milestones, arms)] {
            let all = all * seeds as usize;
            let on_page = name.figure(&of, &wanted);
            if all <= 60 {
                continue;
            }
            assert_eq!(thin(&on_page.draw().svg), 0);
            for theme in [Theme::Both, Theme::Light] {
                let figure = name.figure(&of, &wanted).for_file();
                let file = files::drawing(&figure, &carried, theme);
                assert!(thin(&file) > 60 - 5, "{} of {arms}", name.word());
                let said = format!(" of {all} seed's lines, each of");
                assert!(figure.caption.join(" ").contains(&said), "{said}");
                assert!(file.contains("the CSV file has them"), "{file}");
            }
            if name == Name::Training {
                let figure = name.figure(&of, &wanted).for_file();
                assert_eq!(thin(&figure.draw().svg), drawn);
            }
        }
        let text = page(&of, "seeds=1");
        assert!(text.contains(">PNG, every seed</a>"));
        assert!(!page(&of, "").contains("every seed</a>"));
    }
    // As many as a page draws: a file is as the page.
    let of = material(&LABELS, 3, &[3, 3, 3], 40);
    let (wanted, _) = asked(&of, "seeds=1");
    let figure = Name::Training.figure(&of, &wanted);
    assert_eq!(thin(&figure.draw().svg), 6);
    let same = figure.draw();
    assert_eq!(figure.for_file().draw(), same);
}

#[test]
fn any_metric_of_training_can_be_drawn_and_is_named_by_its_title_or_its_name() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 50);
    for (word, title) in [
        ("train/reflection_rate", "Reflective completions, share"),
        ("judge/score_mean", "judge/score_mean"),
    ] {
        let query = format!("curve={word}");
        let (wanted, ignored) = asked(&of, &query);
        assert!(ignored.is_empty());
        assert_eq!(wanted.curve_metric(), word);
        assert_eq!(wanted.query(&of.view), format!("?{query}"));
        let text = page(&of, &query);
        assert!(text.contains(&format!(
            "<option value=\"{word}\" selected>{title}</option>"
        )));
        assert!(text.contains(&format!("{title} in training: each seed is averaged")));
        assert!(text.contains(&format!("/training.svg?curve={word}\"")));
    }
    // By its metric too, with the word that it has.
    let (wanted, _) = asked(&of, "curve=train/kl");
    assert_eq!(wanted.query(&of.view), "?curve=kl");
    assert_eq!(
        wanted.drawing("train/entropy").curve_metric(),
        "train/entropy"
    );
    assert_eq!(wanted.drawing("a/b").query(&of.view), "?curve=a/b");
    let plain = page(&of, "");
    assert_eq!(
        page(&of, "curve=a/b").matches("<option").count(),
        plain.matches("<option").count() + 1
    );
    // What no stage has reported, and what is no name.
    of.unreported = true;
    let mut words = Asked::read("curve=train/nothing");
    let mut wanted = Wanted::read(&mut words, &of.view);
    wanted.drop_unreported(&of, &mut words);
    assert_eq!(
        words.ignored(),
        ["curve=train/nothing, which no stage has reported"]
    );
    assert_eq!(wanted.query(&of.view), "");
    for bad in ["nonsense", "a/<b>", "a/%E2%80%AE", &"a/".repeat(99)] {
        let (wanted, ignored) = asked(&of, &format!("curve={bad}"));
        assert_eq!((wanted.query(&of.view).as_str(), ignored.len()), ("", 1));
    }
}
