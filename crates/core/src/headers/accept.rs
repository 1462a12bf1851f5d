//! Which of our two kinds of body a request asks for in its `Accept` header (RFC 9110, section
//! 12.5.1).

/// Whether a request with this `Accept` header asks for `application/problem+json`.
///
/// It does if it names that type with a weight above 0, and not below the weight that it gives
/// to `application/json`. A mere `*/*` or `application/*` does not ask for it, and an empty
/// header asks for nothing. Join several `Accept` headers with `, `. Parameters other than the
/// weight make no difference; a range with a malformed weight is passed over.
///
/// ```
/// use tidegate::accepts_problem;
///
/// assert!(accepts_problem("application/problem+json, application/json;q=0.9"));
/// assert!(!accepts_problem("application/json, application/problem+json;q=0.5"));
/// assert!(!accepts_problem("*/*"));
/// ```
#[must_use]
pub fn accepts_problem(accept: &str) -> bool {
    let weight = |range| weight_of(accept, range);
    let Some(problem) = weight("application/problem+json") else { return false };
    let json = weight("application/json").or_else(|| weight("application/*")).or_else(|| weight("*/*"));
    problem > 0 && problem >= json.unwrap_or(0)
}

/// The weight, in thousandths, of exactly this media range: the largest, if it is there twice.
fn weight_of(accept: &str, range: &str) -> Option<u16> {
    let ranges = unquoted_split(accept, ',').filter_map(|member| {
        let mut parts = unquoted_split(member, ';');
        let is_meant = parts.next()?.trim().eq_ignore_ascii_case(range);
        if is_meant { weight(parts) } else { None }
    });
    ranges.max()
}

/// The weight among the parameters; 1 where there is none, `None` where it is malformed.
fn weight<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let q = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    q.map_or(Some(1000), thousandths)
}

/// `0`, `0.` and up to three digits; or `1`, `1.` and up to three zeros.
fn thousandths(q: &str) -> Option<u16> {
    let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
    let well_formed = matches!(whole, "0" | "1") && fraction.len() <= 3;
    if !well_formed || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    let value = if whole == "1" { 1000 + fraction } else { fraction };
    (value <= 1000).then_some(value)
}

/// The parts of `text` between separators outside of double quotes.
fn unquoted_split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_for_those_who_ask() {
        for (accept, expected) in [
            ("", false),
            ("*/*", false),
            ("application/*", false),
            ("application/json", false),
            ("application/problem+json", true),
            ("Application/Problem+JSON", true),
            ("application/problem+json;q=0", false),
            ("application/problem+json; q=0.000", false),
            ("application/problem+json;q=0.001", true),
            ("application/json, application/problem+json", true),
            ("application/json;q=0.9, application/problem+json;q=0.8", false),
            ("application/json;q=0.8, application/problem+json; Q = 0.9", true),
            ("application/problem+json;q=0.5, */*", false),
            ("application/problem+json;q=0.5, */*;q=0.1, application/*;q=0.5", true),
            ("text/html, application/problem+json;q=0.9, */*;q=0.8", true),
            ("application/problem+json;charset=utf-8;q=0.4, application/json;q=0.5", false),
            ("application/problem+json;profile=\"a,b;q=0\"", true),
            ("application/problem+json;q=high", false),
            ("application/problem+json;q=1.001", false),
            ("application/problem+json;q=0.1234", false),
            (",, ;q=1,application/problem+json,", true),
            ("application/problem+jsonx", false),
            ("\"application/problem+json", false),
        ] {
            assert_eq!(accepts_problem(accept), expected, "{accept}");
        }
    }

    #[test]
    fn weights_are_read_strictly() {
        for (q, expected) in
            [("1", 1000), ("1.000", 1000), ("0.", 0), ("0.5", 500), ("0.25", 250), ("0.007", 7)]
        {
            assert_eq!(thousandths(q), Some(expected), "{q}");
        }
        for q in ["", ".5", "2", "1.1", "-0", "0.1e", "00", "0,5", "+1", "0.+1"] {
            assert_eq!(thousandths(q), None, "{q}");
        }
    }
}
