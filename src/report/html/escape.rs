//! Names, messages and profiles are other people's text: none of it may become markup.

/// `text` as it may be shown: control characters and marks that turn the direction of writing around
/// become U+FFFD; line ends and tabs stay.
pub fn shown(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// [`shown`] for HTML, between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// JSON for a script element: nothing in it ends the element or begins a comment.
pub fn script_json(value: &serde_json::Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_ends_a_tag_or_an_attribute() {
        assert_eq!(
            escape("<script>alert('1')</script>&\"\u{202e}\u{1b}[2J\r"),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\u{fffd}\u{fffd}[2J\u{fffd}"
        );
        let hostile = serde_json::json!("</script><!--");
        assert_eq!(script_json(&hostile), r#""\u003c/script\u003e\u003c!--""#);
    }

    proptest! {
        #[test]
        fn no_text_holds_markup(text: String) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let json = script_json(&serde_json::json!({ &text: &text }));
            prop_assert!(!json.contains(['<', '>', '&']));
            let read: serde_json::Value = serde_json::from_str(&json).expect("is JSON still");
            prop_assert_eq!(&read[&text], &text);
        }
    }
}
