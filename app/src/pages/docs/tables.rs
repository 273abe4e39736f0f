//! What do errors mean, and by which rule is a call charged? Markdown made from the rules themselves, so that it cannot
//! say something else.

use std::fmt::Write;

use domain::{Ending, Problem, Rule};
use texts::content::plain;
use texts::{Locale, Texts, format};

use crate::services::Limits;

/// Every code: what happened, what to do, status and type, whether to try again.
pub fn errors(texts: &Texts, locale: Locale, limits: &Limits) -> String {
    let mut out = String::new();
    for problem in Problem::one_of_each() {
        let say = |key: &str, args: &[(&str, &str)]| texts.t(locale, key, args);
        let max = match problem {
            Problem::BodyTooLarge { .. } => format::number(locale, limits.body_max_mib),
            _ => format::number(locale, limits.concurrent_calls),
        };
        let args = [
            ("model", "…"),
            ("tool", "…"),
            ("detail", "…"),
            ("scope", "…"),
            ("message", "…"),
            ("seconds", "…"),
            ("max", max.as_str()),
        ];
        let code = problem.code();
        let what = plain(&say(&format!("problems.{code}"), &args));
        let action = plain(&say(&format!("problems.{code}_action"), &args));
        let facts = match &problem {
            // Nobody is left to read it: it stands on the call's row.
            Problem::CallerLeft => say("docs.errors.never_sent", &[]),
            Problem::UpstreamRefused { .. } => say("docs.errors.status_of_provider", &[]),
            _ => {
                let (status, kind) = (problem.status().to_string(), problem.openai_type());
                let args = [("status", status.as_str()), ("type", kind)];
                let line = say("docs.errors.status", &args);
                if problem.sent_code() == code {
                    line
                } else {
                    let also = say("docs.errors.sent_as", &[("code", problem.sent_code())]);
                    format!("{line} {also}")
                }
            }
        };
        write!(
            out,
            "### {code} {{#{code}}}\n{what} {action}\n\n- {facts}\n- {}\n\n",
            say(again(&problem), &[])
        )
        .expect("writing to a string cannot fail");
    }
    out
}

/// Whether the same request may succeed later: the key of the sentence.
fn again(problem: &Problem) -> &'static str {
    match problem {
        Problem::CallerLeft => "docs.errors.again.yes",
        _ if problem.should_retry() == Some(false) => "docs.errors.again.useless",
        _ if problem.retry_after().is_some() => "docs.errors.again.wait",
        _ if problem.status() >= 500 => "docs.errors.again.yes",
        _ => "docs.errors.again.no",
    }
}

/// What is charged for every way in which a call can end.
pub fn settlement(texts: &Texts, locale: Locale) -> String {
    let say = |key: &str| texts.t(locale, key, &[]);
    let mut out = format!(
        "| {} | {} | {} | {} | {} |\n|---|---|---|---|---|\n",
        say("docs.settlement.ending"),
        say("docs.settlement.reported"),
        say("docs.settlement.delivered"),
        say("docs.settlement.rule"),
        say("docs.settlement.charged"),
    );
    let yes_no = |yes: bool| {
        say(if yes {
            "docs.settlement.yes"
        } else {
            "docs.settlement.no"
        })
    };
    for ending in Ending::ALL {
        for (reported, delivered) in [(true, true), (true, false), (false, true), (false, false)] {
            let rule = Rule::choose(ending, reported, delivered);
            writeln!(
                out,
                "| {} | {} | {} | [`{id}`](#rule-{id}) | {} |",
                say(ending_words(ending)),
                yes_no(reported),
                yes_no(delivered),
                yes_no(rule.charges()),
                id = rule.id(),
            )
            .expect("writing to a string cannot fail");
        }
    }
    out
}

const fn ending_words(ending: Ending) -> &'static str {
    match ending {
        Ending::Finished => "docs.settlement.finished",
        Ending::UpstreamFailed => "docs.settlement.upstream_failed",
        Ending::CallerGone => "docs.settlement.caller_gone",
        Ending::Stopped => "docs.settlement.stopped",
    }
}
