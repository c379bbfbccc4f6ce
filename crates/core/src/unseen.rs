//! Characters that cannot be seen in a text and can disguise what stands beside them: names
//! may not have them, and pages write them out.

/// Overrides of direction, joiners, fillers, separators and tags. Control characters are not
/// among them: `char::is_control` tells those.
pub fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_seen_is_none_of_them() {
        for c in "aé\u{5d0}\u{645}中\u{301}\u{fe0f}\u{1f469}⟨⟩ \n\u{a0}".chars() {
            assert!(!is_unseen(c), "{c:?}");
        }
        for c in ['\u{ad}', '\u{61c}', '\u{202e}', '\u{2067}', '\u{e0041}'] {
            assert!(is_unseen(c), "{c:?}");
        }
    }
}
