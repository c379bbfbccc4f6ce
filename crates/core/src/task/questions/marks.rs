//! What stands out in free text: phrases with which it turns back on itself, and characters
//! of another script than the question's. A count of both, not evidence of reasoning.

use super::prose;
use super::script::{Script, script};
use crate::task::pieces::LONGEST;
use crate::task::{Language, Piece};
use std::collections::BTreeMap;
use std::ops::Range;

/// Words with which a text turns back on itself, in small letters. None begins with what
/// another ends with, so that no two lie over each other.
const REFLECTIVE: [&str; 7] = [
    "wait,",
    "let me check",
    "let me re-check",
    "let me verify",
    "double-check",
    "i made a mistake",
    "on second thought",
];

/// Markup that the prompt asks for, whatever the question is written in.
const TAGS: [&str; 4] = ["<think>", "</think>", "<answer>", "</answer>"];

/// A text with more marks than this is left without any.
const MOST: usize = 2_000;

/// Where the phrases stand, in order.
pub(super) fn phrases(text: &str) -> Vec<Range<usize>> {
    phrases_of(text, &[])
}

/// Where these stand instead, in small letters; without any, the usual ones. Of two that lie
/// over each other there is the one that begins first, of two that begin together the longer.
pub(super) fn phrases_of(text: &str, instead: &[String]) -> Vec<Range<usize>> {
    let list: Vec<&str> = match instead {
        [] => REFLECTIVE.to_vec(),
        own => own.iter().map(String::as_str).collect(),
    };
    // The same length, and characters begin at the same bytes.
    let small = text.to_ascii_lowercase();
    let mut found: Vec<Range<usize>> = list
        .into_iter()
        .flat_map(|phrase| small.match_indices(phrase))
        .map(|(at, phrase)| at..at + phrase.len())
        .collect();
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut end = 0;
    found.retain(|range| {
        let is_apart = range.start >= end;
        if is_apart {
            end = range.end;
        }
        is_apart
    });
    found
}

/// What a question is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Own {
    script: Script,
    /// Japanese: Kana and Han together.
    both: bool,
}

impl Own {
    /// Of most of its letters; `None` of a question without any.
    fn of(question: &str) -> Option<Self> {
        let mut counts: BTreeMap<Script, usize> = BTreeMap::new();
        for script in question.chars().map(script) {
            match script {
                Script::Common | Script::Inherited => {}
                other => *counts.entry(other).or_default() += 1,
            }
        }
        let both = counts.contains_key(&Script::Kana);
        if both && let Some(han) = counts.remove(&Script::Han) {
            *counts.entry(Script::Kana).or_default() += han;
        }
        // Of two that are equal, the first in the list of scripts.
        let most = counts
            .into_iter()
            .max_by_key(|(script, n)| (*n, std::cmp::Reverse(*script)))?;
        Some(Self {
            script: most.0,
            both,
        })
    }

    fn has(self, script: Script) -> bool {
        script == self.script || self.both && self.script == Script::Kana && script == Script::Han
    }
}

/// Letters of one kind, own or other, that stand together.
struct Word {
    range: Range<usize>,
    own: bool,
    letters: u32,
    script: Script,
}

impl Word {
    /// A letter that stands alone in formulas of any language: x, π.
    fn is_symbol(&self) -> bool {
        self.letters == 1 && matches!(self.script, Script::Latin | Script::Greek)
    }
}

/// Of a text without its code, formulas and markup, whose letters are marked here as neither own nor other.
fn words(own: Own, text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = vec![];
    // The last character belonged to the last word.
    let mut within = false;
    let mut markup_until = 0;
    let mut left_out = prose::left_out(text).into_iter().peekable();
    for (at, c) in text.char_indices() {
        while left_out.next_if(|range| range.end <= at).is_some() {}
        if left_out.peek().is_some_and(|range| range.start <= at) {
            within = false;
            continue;
        }
        if at < markup_until {
            continue;
        }
        if let Some(length) = markup(&text[at..]) {
            markup_until = at + length;
            within = false;
            continue;
        }
        let end = at + c.len_utf8();
        match script(c) {
            Script::Common => within = false,
            Script::Inherited => {
                if let Some(word) = out.last_mut().filter(|_| within) {
                    word.range.end = end;
                }
            }
            script => {
                let is_own = own.has(script);
                match out.last_mut() {
                    Some(word) if within && word.own == is_own => {
                        word.range.end = end;
                        word.letters += 1;
                    }
                    Some(_) | None => out.push(Word {
                        range: at..end,
                        own: is_own,
                        letters: 1,
                        script,
                    }),
                }
                within = true;
            }
        }
    }
    out
}

/// The length of a tag or of a LaTeX command that the text begins with.
fn markup(text: &str) -> Option<usize> {
    match text.as_bytes().first()? {
        b'<' => TAGS
            .iter()
            .find(|tag| text.starts_with(**tag))
            .map(|tag| tag.len()),
        b'\\' => {
            let command = text[1..].bytes().take_while(u8::is_ascii_alphabetic);
            Some(1 + command.count())
        }
        _ => None,
    }
}

/// Letters of the question's script, and of others; `None` of a question without letters.
pub(super) fn count(question: &str, text: &str) -> Option<Language> {
    let own = Own::of(question)?;
    let mut found = Language {
        target: 0,
        other: 0,
    };
    for word in words(own, text) {
        if word.is_symbol() {
            continue;
        }
        match word.own {
            true => found.target += word.letters,
            false => found.other += word.letters,
        }
    }
    Some(found)
}

/// Where other scripts stand, in order. White space alone between two of them belongs to them.
fn foreign(question: &str, text: &str) -> Vec<Range<usize>> {
    let Some(own) = Own::of(question) else {
        return vec![];
    };
    let mut out: Vec<Range<usize>> = vec![];
    for word in words(own, text) {
        if word.own || word.is_symbol() {
            continue;
        }
        match out.last_mut() {
            Some(last) if text[last.end..word.range.start].trim().is_empty() => {
                last.end = word.range.end;
            }
            Some(_) | None => out.push(word.range),
        }
    }
    out
}

/// The text at its phrases, each with its runs of other scripts; no piece has a verdict.
pub(super) fn cut<'a>(question: &str, text: &'a str) -> Option<Vec<Piece<'a>>> {
    cut_at(question, text, &[])
}

/// At these phrases instead; without any, at the usual ones.
pub(super) fn cut_at<'a>(
    question: &str,
    text: &'a str,
    instead: &[String],
) -> Option<Vec<Piece<'a>>> {
    if text.len() > LONGEST {
        return None;
    }
    let (phrases, foreign) = (phrases_of(text, instead), foreign(question, text));
    if phrases.len() + foreign.len() > MOST {
        return None;
    }
    let mut out = vec![];
    let mut put = |range: Range<usize>, reflection: bool| {
        if !range.is_empty() {
            out.push(Piece {
                runs: runs(text, range, &foreign),
                verdict: None,
                reflection,
            });
        }
    };
    let mut from = 0;
    for phrase in phrases {
        put(from..phrase.start, false);
        from = phrase.end;
        put(phrase, true);
    }
    put(from..text.len(), false);
    Some(out)
}

/// A part of the text in runs, `true` of those that are foreign.
fn runs<'a>(text: &'a str, part: Range<usize>, foreign: &[Range<usize>]) -> Vec<(&'a str, bool)> {
    let mut out = vec![];
    let mut at = part.start;
    let first = foreign.partition_point(|range| range.end <= part.start);
    for range in &foreign[first..] {
        if range.start >= part.end {
            break;
        }
        let (from, to) = (range.start.max(part.start), range.end.min(part.end));
        if at < from {
            out.push((&text[at..from], false));
        }
        out.push((&text[from..to], true));
        at = to;
    }
    if at < part.end {
        out.push((&text[at..part.end], false));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "How many eggs are left?";

    fn whole(pieces: &[Piece<'_>]) -> String {
        pieces.iter().flat_map(|p| &p.runs).map(|r| r.0).collect()
    }

    /// What is marked as another script.
    fn other<'a>(question: &str, text: &'a str) -> Vec<&'a str> {
        let pieces = cut(question, text).unwrap();
        assert_eq!(whole(&pieces), text);
        let runs = pieces.into_iter().flat_map(|p| p.runs);
        runs.filter(|run| run.1).map(|run| run.0).collect()
    }

    fn counted(question: &str, text: &str) -> Option<(u32, u32)> {
        count(question, text).map(|found| (found.target, found.other))
    }

    #[test]
    fn reflective_phrases_are_pieces_of_their_own_in_small_and_large_letters() {
        let text = "It is 3. WAIT, no. Let me check: 4.";
        let pieces = cut(ENGLISH, text).unwrap();
        assert_eq!(whole(&pieces), text);
        let marked: Vec<&str> = pieces
            .iter()
            .filter(|p| p.reflection)
            .map(|p| p.runs[0].0)
            .collect();
        assert_eq!(marked, ["WAIT,", "Let me check"]);
        assert_eq!(pieces.len(), 5);
        assert!(pieces.iter().all(|p| p.verdict.is_none()));
        assert!(phrases("The waiter waits.").is_empty());
        assert_eq!(cut(ENGLISH, ""), Some(vec![]));
        // None lies over another.
        let all = REFLECTIVE.concat();
        let found = phrases(&all);
        assert_eq!(found.len(), REFLECTIVE.len());
        assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn other_phrases_are_marked_in_place_of_the_usual_ones() {
        let own = ["hold", "hold on", "on sec", "\u{7b49}\u{7b49}"].map(String::from);
        let text = "Wait, HOLD on second, hold. \u{7b49}\u{7b49}\u{7b49}";
        let pieces = cut_at(ENGLISH, text, &own).unwrap();
        assert_eq!(whole(&pieces), text);
        let of = |range: Range<usize>| &text[range];
        let found: Vec<&str> = phrases_of(text, &own).into_iter().map(of).collect();
        // The longer of two, and not what lies over it.
        assert_eq!(found, ["HOLD on", "hold", "\u{7b49}\u{7b49}"]);
        assert_eq!(pieces.iter().filter(|p| p.reflection).count(), 3);
        assert_eq!(phrases_of(text, &[]), phrases(text));
        assert_eq!(phrases(text).len(), 1);
    }

    #[test]
    fn letters_of_another_script_are_marked_and_counted() {
        let text = "There are \u{43e}\u{441}\u{442}\u{430}\u{43b}\u{43e}\u{441}\u{44c} \u{447}\u{435}\u{442}\u{44b}\u{440}\u{435}, so 4 \u{44f}\u{438}\u{446}\u{430}.";
        assert_eq!(
            other(ENGLISH, text),
            [
                "\u{43e}\u{441}\u{442}\u{430}\u{43b}\u{43e}\u{441}\u{44c} \u{447}\u{435}\u{442}\u{44b}\u{440}\u{435}",
                "\u{44f}\u{438}\u{446}\u{430}"
            ]
        );
        assert_eq!(counted(ENGLISH, text), Some((10, 18)));
        assert_eq!(counted(ENGLISH, "Four eggs."), Some((8, 0)));
    }

    #[test]
    fn words_from_right_to_left_are_marked_in_the_order_in_which_they_are_stored() {
        let hebrew = "\u{5db}\u{5de}\u{5d4} \u{5d1}\u{5d9}\u{5e6}\u{5d9}\u{5dd}?";
        let text = "\u{5d9}\u{5e9} four \u{5d1}\u{5d9}\u{5e6}\u{5d9}\u{5dd}";
        assert_eq!(other(hebrew, text), ["four"]);
        assert_eq!(counted(hebrew, text), Some((7, 4)));
        // Overrides of direction are no letters, and split what they stand in.
        let arabic = "so \u{202e}\u{645}\u{631}\u{62d}\u{628}\u{64e}\u{627}\u{202c}.";
        assert_eq!(
            other(ENGLISH, arabic),
            ["\u{645}\u{631}\u{62d}\u{628}\u{64e}\u{627}"]
        );
        assert_eq!(counted(ENGLISH, arabic), Some((2, 5)));
    }

    #[test]
    fn chinese_and_japanese_are_told_apart_and_one_japanese_question_has_both_its_scripts() {
        let chinese = "\u{8fd8}\u{5269}\u{591a}\u{5c11}\u{4e2a}\u{9e21}\u{86cb}?";
        let japanese = "\u{5375}\u{306f}\u{3044}\u{304f}\u{3064}\u{6b8b}\u{308b}?";
        let text = "\u{56db}\u{500b}\u{3067}\u{3059}\u{3002}";
        assert_eq!(other(japanese, text), [""; 0]);
        assert_eq!(other(chinese, text), ["\u{3067}\u{3059}"]);
        assert_eq!(other(ENGLISH, text), ["\u{56db}\u{500b}\u{3067}\u{3059}"]);
        assert_eq!(counted(japanese, text), Some((4, 0)));
        assert_eq!(counted(chinese, text), Some((2, 2)));
    }

    #[test]
    fn emoji_digits_tags_commands_and_single_letters_of_formulas_are_of_every_script() {
        let chinese = "\u{8fd8}\u{5269}\u{591a}\u{5c11}?";
        for text in [
            "<think>x = 3 \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f1e9}\u{1f1ea}</think>\n<answer>4</answer>",
            "\\boxed{\\frac{1}{x}} \u{2248} \u{3c0}, \u{1d465}",
            "",
        ] {
            assert_eq!(other(chinese, text), [""; 0], "{text}");
            assert_eq!(counted(chinese, text), Some((0, 0)), "{text}");
        }
        assert_eq!(other(chinese, "<b>xy</b>"), ["xy"]);
        // A question of digits alone is written in nothing.
        assert_eq!(other("3+4=?", "seven \u{43e}\u{441}"), [""; 0]);
        assert_eq!(counted("3+4=?", "seven"), None);
    }

    #[test]
    fn code_formulas_and_what_is_not_thought_are_of_no_script() {
        let chinese = "\u{8fd8}\u{5269}\u{591a}\u{5c11}?";
        // "We write code", a block, "gives", and an answer in English.
        let coded = "<think>\u{6211}\u{4eec}\u{5199}\u{4ee3}\u{7801}\n```python\nprint(total)\n```\n\
                     `print(n)` \u{7ed9}\u{51fa} $total = n$, \\(count\\).</think> four eggs";
        assert_eq!(other(chinese, coded), [""; 0]);
        assert_eq!(counted(chinese, coded), Some((7, 0)));
        // "Four are left" within an English chain: There, are, so, it, is.
        let mixed =
            "<think>There are \u{8fd8}\u{5269}\u{56db}\u{4e2a}, so x = 4: it is $four$.</think>";
        assert_eq!(other(ENGLISH, mixed), ["\u{8fd8}\u{5269}\u{56db}\u{4e2a}"]);
        assert_eq!(counted(ENGLISH, mixed), Some((14, 4)));
        // A variable is of no script, whatever the question is written in.
        assert_eq!(counted(ENGLISH, "x = y"), Some((0, 0)));
        assert_eq!(
            counted(ENGLISH, "<think>six</think> \u{56db}"),
            Some((3, 0))
        );
    }

    #[test]
    fn a_combining_mark_is_of_the_script_of_the_letter_that_it_stands_on() {
        assert_eq!(other(ENGLISH, "Z\u{301}\u{302}a\u{308}"), [""; 0]);
        assert_eq!(counted(ENGLISH, "Z\u{301}\u{302}a\u{308}"), Some((2, 0)));
        let text = "so \u{438}\u{306}\u{43e}\u{301} \u{301}.";
        assert_eq!(other(ENGLISH, text), ["\u{438}\u{306}\u{43e}\u{301}"]);
        assert_eq!(counted(ENGLISH, text), Some((2, 2)));
        // One without a letter before it is of none.
        assert_eq!(other(ENGLISH, "\u{301}"), [""; 0]);
    }

    #[test]
    fn a_phrase_between_two_scripts_is_whole_and_so_is_the_text() {
        let russian = "\u{421}\u{43a}\u{43e}\u{43b}\u{44c}\u{43a}\u{43e}?";
        let text = "\u{414}\u{430}. Wait, \u{43d}\u{435}\u{442}";
        let pieces = cut(russian, text).unwrap();
        assert_eq!(whole(&pieces), text);
        assert!(pieces[1].reflection);
        assert_eq!(pieces[1].runs, [("Wait", true), (",", false)]);
    }

    #[test]
    fn hostile_texts_are_cut_up_or_left_alone() {
        let long = "\u{44f}".repeat(1 << 20);
        assert_eq!(cut(ENGLISH, &long), None);
        let striped = "ab\u{44f}\u{44f}".repeat(2_001);
        assert!(striped.len() <= LONGEST);
        assert_eq!(cut(ENGLISH, &striped), None);
        for text in [
            "<script>alert(1)</script>",
            "\u{0}\u{7}\\",
            "\\",
            "<",
            "\u{fe0f}",
        ] {
            for question in ["", "<b>", ENGLISH, &long] {
                assert_eq!(whole(&cut(question, text).unwrap()), text);
            }
        }
    }
}
