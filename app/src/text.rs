//! How does a page say something? `t!(ui, "key", name = value)` for a sentence, `n!(ui, "key", count)` for a count.
//!
//! Keys are literals, so that `farebox locales check` can compare them with the files.

/// The text of a key in the reader's language.
macro_rules! t {
    ($ui:expr, $key:literal) => {
        $ui.text($key, &[])
    };
    ($ui:expr, $key:literal, $($name:ident = $value:expr),+ $(,)?) => {
        $ui.text($key, &[$((stringify!($name), ::core::convert::AsRef::<str>::as_ref(&$value))),+])
    };
}

/// The text of a key for a number of things, in the plural form that the reader's language demands.
macro_rules! n {
    ($ui:expr, $key:literal, $count:expr) => {
        $ui.count($key, $count)
    };
    ($ui:expr, $key:literal, $count:expr, $($name:ident = $value:expr),+ $(,)?) => {
        $ui.count_with($key, $count, &[$((stringify!($name), ::core::convert::AsRef::<str>::as_ref(&$value))),+])
    };
}
