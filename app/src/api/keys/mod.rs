//! What can somebody do with the keys of their workspace? One server function each; every one names the asker's own
//! workspace, so a key of another one does not exist for it.

mod change;
mod end;
mod form;
#[cfg(feature = "ssr")]
mod fresh;
mod make;
mod reveal;

pub use change::{disable_key, enable_key, rename_key, update_key};
pub use end::{end_key_overlap, freeze_keys, revoke_key, unfreeze_keys};
pub use form::KeyForm;
#[cfg(feature = "ssr")]
pub use form::TEST;
#[cfg(feature = "ssr")]
pub use fresh::shown;
pub use make::{create_key, roll_key};
pub use reveal::reveal_key;

#[cfg(feature = "ssr")]
mod asked {
    use domain::ids::{KeyId, WorkspaceId};
    use domain::views::AccountView;
    use http::StatusCode;
    use server::keys::KeyError;

    use crate::api::Refusal;
    use crate::api::call::Asker;

    /// Who asks, and for which workspace.
    pub struct Owner {
        pub asker: Asker,
        pub account: AccountView,
        pub workspace: WorkspaceId,
    }

    impl Owner {
        /// # Errors
        /// Never, as long as the table says that only the signed-in may call.
        pub fn current() -> Result<Self, Refusal> {
            let asker = Asker::current();
            let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
            Ok(Self {
                workspace: account.workspace,
                account,
                asker,
            })
        }

        /// Whether the asker's address is known to be theirs. Whoever has not shown it is led to where that is asked:
        /// such an account makes no keys.
        pub fn proved(&self) -> bool {
            if !self.account.verified {
                self.asker.reply.go("/overview");
            }
            self.account.verified
        }

        /// The key that a form names. What is no id of a key is no key.
        pub fn key(&self, id: &str) -> Result<KeyId, Refusal> {
            id.parse().map_err(|_| self.missing())
        }

        fn missing(&self) -> Refusal {
            self.asker.reply.fail(StatusCode::NOT_FOUND);
            Refusal::NotFound
        }

        /// What to answer when a verb did not do it. A key that can no longer be changed leads to its page, which
        /// says so.
        pub fn refused(&self, id: KeyId, error: &KeyError) -> Result<(), Refusal> {
            match error {
                KeyError::NotFound => Err(self.missing()),
                KeyError::Revoked | KeyError::Overlap | KeyError::NoCopy => {
                    self.asker.reply.go(format!("/keys/{id}"));
                    Ok(())
                }
                _ => Err(self.unavailable()),
            }
        }

        pub fn unavailable(&self) -> Refusal {
            self.asker.reply.fail(StatusCode::SERVICE_UNAVAILABLE);
            Refusal::Unavailable
        }
    }
}

#[cfg(feature = "ssr")]
use asked::Owner;
