//! Does it work? A test call at the press of a button, and whether the first call has come in yet.

use leptos::prelude::*;

use super::Refusal;

/// Sends one short request to a model, as a program would, and tells the page `back` what came of it: status, time and
/// exact cost. It is a metered call like any other.
///
/// # Errors
/// Never; what goes wrong is told by the page.
#[server(prefix = "/api", endpoint = "send_test")]
pub async fn send_test(back: Option<String>) -> Result<(), Refusal> {
    use server::trial::{Prompt, TrialRequest};

    use super::call::Asker;
    use crate::flash::{Field, Flash, Notice};
    use crate::guard::safe_next;
    use crate::pages::{first_model, problem_words};
    use crate::reader::Ui;

    /// Enough to see that there is an answer.
    const TOKENS: u32 = 16;

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    if !account.verified {
        asker.reply.go("/overview");
        return Ok(());
    }
    let ui = Ui::of_prefs(&asker.services, asker.prefs);
    let back = back.as_deref().and_then(safe_next).unwrap_or("/overview");
    let models = asker.services.catalog.models();
    let Some(model) = first_model(&models) else {
        asker.go_and_tell(back, &Flash::notice(Notice::NoModels));
        return Ok(());
    };
    let request = TrialRequest {
        workspace: account.workspace,
        model: model.id.clone(),
        prompt: Prompt(t!(ui, "quickstart.prompt")),
        max_tokens: TOKENS,
    };
    let told = match asker.services.trials.run(request).await {
        Ok(answer) => Flash::notice(Notice::TestAnswered {
            call: answer.call,
            cost: answer.cost,
            duration_ms: answer.duration_ms,
        }),
        Err(problem) => Flash::notice(Notice::TestFailed {
            status: problem.status(),
        })
        .typed(Field::Form, &problem_words(&ui, &problem)),
    };
    asker.go_and_tell(back, &told);
    Ok(())
}

/// Whether the workspace has made a call yet: what the page that waits for the first one asks.
///
/// # Errors
/// [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "first_call")]
pub async fn first_call() -> Result<bool, Refusal> {
    use super::call::Asker;

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    crate::pages::overview::called(&asker.services, account.workspace)
        .await
        .map_err(|_| {
            asker.reply.fail(http::StatusCode::SERVICE_UNAVAILABLE);
            Refusal::Unavailable
        })
}
