//! Addresses of modules and resources, as Terraform writes them.

use crate::frozen::Frozen;

/// An instance key in brackets; nothing for null.
pub(super) fn index(index: &Frozen) -> String {
    match index {
        Frozen::Int(number) => format!("[{number}]"),
        Frozen::Float(number) => format!("[{number}]"),
        Frozen::Text(_) => {
            let text = index.as_str().unwrap_or_default();
            format!("[\"{}\"]", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        _ => String::new(),
    }
}

/// An address inside of a module; the root has none of its own.
pub(super) fn within(module: &str, separator: &str, rest: &str) -> String {
    if module.is_empty() { rest.to_owned() } else { format!("{module}{separator}{rest}") }
}

/// An address without its instance keys: `module.a["x.y"].b.c[0]` is `module.a.b.c`.
pub(super) fn strip_index(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for c in address.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if inside => quoted = !quoted,
            ']' if inside && !quoted => inside = false,
            '[' if !inside => inside = true,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_dots_brackets_and_quotes_are_stripped_wholly() {
        assert_eq!(strip_index(r#"module.a["x.y"].aws_b.c[0]"#), "module.a.aws_b.c");
        assert_eq!(strip_index(r#"a.b["]\"["].c"#), "a.b.c");
        assert_eq!(strip_index("a.b"), "a.b");
    }

    #[test]
    fn an_instance_key_is_written_as_terraform_does() {
        assert_eq!(index(&Frozen::Int(3)), "[3]");
        assert_eq!(index(&Frozen::text("a\"b")), r#"["a\"b"]"#);
        assert_eq!(index(&Frozen::Null), "");
    }
}
