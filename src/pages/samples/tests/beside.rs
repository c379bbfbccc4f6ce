//! Long prompts, prompts that are drawn anew at each step, and a word that was not kept.

use super::contest::Unkept;
use super::*;

/// Longer than what is shown at once, and the same in all of it but its end.
fn long(ending: &str) -> String {
    "Q: 1+1? A: 2. ".repeat(400) + ending
}

/// Its prompt is told apart by all of it.
fn asking(step: i64, group: i32, prompt: &str) -> Sample {
    let mut of = sample(step, group, 0, true, "A8");
    of.view.prompt = prompt.chars().take(CUT.prompt as usize).collect();
    of.prompt_characters = prompt.chars().count() as u64;
    of.prompt_md5 = prompt.into();
    of
}

fn with(of: &mut Material, query: &str) {
    let shown = of.stage.as_mut().unwrap();
    shown.wanted = Wanted::read(&mut Asked::read(query), &shown.steps);
}

#[test]
fn a_long_prompt_is_whole_and_a_longer_one_says_how_much_is_here() {
    let text = render(&material(vec![asking(6, 0, &long("one"))]));
    assert!(text.contains("<summary>The rest of the prompt</summary>") && text.contains("2. one<"));
    assert!(!text.contains("cut: "));
    let text = render(&material(vec![asking(6, 0, &"x".repeat(30_000))]));
    assert!(text.contains("cut: 20,000 of 30,000 characters"), "{text}");
}

#[test]
fn prompts_that_begin_alike_are_no_pair() {
    let mut of = material(vec![asking(6, 0, &long("one"))]);
    with(&mut of, "step=6&with=1");
    let shown = of.stage.as_mut().unwrap();
    shown.beside = vec![asking(1, 0, &long("other")), asking(1, 1, &long("one"))];
    shown.prompt_steps = vec![(long("other"), 11), (long("one"), 1)];
    let text = render(&of);
    assert!(text.contains("id=\"s1-g1-i0-at-s6-g0\"") && !text.contains("id=\"s1-g0-i0"));
    assert!(text.contains("beside step <a data-go=\"d\"") && !text.contains("with=11"));
    assert!(!text.contains("by number"));
}

#[test]
fn where_no_prompt_is_drawn_again_groups_stand_beside_each_other_by_number() {
    let mut of = material(vec![asking(6, 1, "1+1=")]);
    let text = render(&of);
    assert!(text.contains("beside group 2 of step <a data-go=\"d\""));
    assert!(text.contains("&#38;group=2&#38;with=11#s6-g1\">11</a> (another prompt)"));
    with(&mut of, "step=6&with=1");
    of.stage.as_mut().unwrap().beside = vec![asking(1, 1, "2*3="), asking(1, 0, "4-4=")];
    let text = render(&of);
    let beside = &text[text.find("class=\"beside\"").unwrap()..];
    for words in [
        "No completion of this prompt is stored at step 1, nor at any other step. Training draws \
         its prompts anew at each step; groups stand beside each other by number: this is group 2 \
         of that step, with another prompt.",
        "dir=\"auto\">2*3=</pre>",
        "id=\"s1-g1-i0-at-s6-g1\"",
        "name=\"beside\" value=\"6.1\"",
    ] {
        assert!(beside.contains(words), "{words}\n{beside}");
    }
    assert!(!beside.contains("4-4="), "of another number");
    // A group that is not there is not spoken of.
    of.stage.as_mut().unwrap().beside.clear();
    let text = render(&of);
    assert!(text.contains("stored at step 1, nor at any other step.</p>"));
}

#[test]
fn a_word_that_was_not_kept_stands_in_its_own_form_with_what_is_wrong() {
    let mut of = material(vec![
        sample(6, 0, 0, true, "A8"),
        sample(6, 0, 1, false, "A3"),
    ]);
    with(&mut of, "step=6&result=wrong&render=1&after=6.0.0");
    let text = render(&of);
    // Where it goes back to, whatever was asked for.
    let action = "action=\"/runs/00000000-0000-0000-0000-000000000001/samples?stage=grpo&#38;step=6\
                  &#38;result=wrong&#38;render=1&#38;after=6.0.0\"";
    assert_eq!(text.matches(action).count(), 2, "{text}");
    assert_eq!(
        text.matches("name=\"reason\" maxlength=\"500\" size=\"24\" dir=\"auto\">")
            .count(),
        2
    );
    assert!(!text.contains("<details class=\"contest\" open>"));
    of.unkept = Some(Unkept {
        id: "s6-g0-i1".into(),
        verdict: GraderVerdict::Right,
        reason: "\" autofocus <b>".into(),
        why: "a reason has at most 1000 characters".into(),
    });
    let text = render(&of);
    assert_eq!(text.matches("<details class=\"contest\" open>").count(), 1);
    let form = &text[text.find("<details class=\"contest\" open>").unwrap()..];
    for words in [
        "role=\"alert\" id=\"s6-g0-i1-wrong\">Not kept: a reason has at most 1000 characters.</p>",
        "<option value=\"right\" selected>",
        "dir=\"auto\" value=\"&#34; autofocus &#60;b&#62;\" aria-invalid=\"true\" \
         aria-describedby=\"s6-g0-i1-wrong\">",
    ] {
        assert!(form.contains(words), "{words}\n{form}");
    }
}
