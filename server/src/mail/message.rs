//! What does Farebox say by mail? A closed list: what somebody asked for, or has to know. None is an advertisement.

use domain::Amount;
use domain::fx::Coins;
use domain::order::Reference;

/// Everything that Farebox says by mail. `link` is a path of ours with its token (`/verify/…`): mails make it absolute.
///
/// No mail says a name that was typed at sign-up: whoever signs up with somebody else's address would choose the words.
#[derive(Clone)]
pub enum Message {
    /// Sign-up: prove that the address is yours.
    Verify {
        link: String,
    },
    /// Somebody signed up with an address that has an account already.
    AlreadyKnown {
        link: String,
    },
    /// Choose a new password.
    Reset {
        link: String,
    },
    PasswordChanged,
    /// To the new address.
    ConfirmEmail {
        link: String,
    },
    /// To the old address, with 72 hours to undo it.
    EmailChanged {
        new: String,
        link: String,
    },
    EmailChangeUndone,
    SecondFactorOn,
    SecondFactorOff,
    /// A recovery code was used; `left` remain.
    RecoveryCodeUsed {
        left: u64,
    },
    /// New recovery codes were made; the earlier ones do nothing any more.
    RecoveryCodesRenewed,
    /// A sign-in from a browser that was never seen here.
    NewDevice {
        agent: String,
        network: String,
    },
    KeyRevealed {
        name: String,
        masked: String,
    },
    LowBalance {
        balance: Amount,
        below: Amount,
    },
    AccountBlocked,
    /// To administrators: the nightly check found that the books do not hold.
    LedgerViolated {
        /// Which invariant, and a row that breaks it.
        found: Vec<(String, String)>,
        /// So many rows are not named.
        more: u64,
    },
    /// An order was paid: its credit is in the wallet.
    OrderCredited {
        reference: Reference,
        paid: Coins,
        credited: Amount,
        bonus: Amount,
        /// Credited by another rate than the order's, because it was paid late.
        late: bool,
        link: String,
    },
    /// Money of an order went back.
    OrderRefunded {
        reference: Reference,
        coins: Coins,
        credit: Amount,
        link: String,
    },
}

impl Message {
    /// Its name in the database, and of its texts: `mails.<kind>.…` (`mail.…` are settings).
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Verify { .. } => "verify",
            Self::AlreadyKnown { .. } => "already_known",
            Self::Reset { .. } => "reset",
            Self::PasswordChanged => "password_changed",
            Self::ConfirmEmail { .. } => "confirm_email",
            Self::EmailChanged { .. } => "email_changed",
            Self::EmailChangeUndone => "email_change_undone",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::RecoveryCodeUsed { .. } => "recovery_code_used",
            Self::RecoveryCodesRenewed => "recovery_codes_renewed",
            Self::NewDevice { .. } => "new_device",
            Self::KeyRevealed { .. } => "key_revealed",
            Self::LowBalance { .. } => "low_balance",
            Self::AccountBlocked => "account_blocked",
            Self::LedgerViolated { .. } => "ledger_violated",
            Self::OrderCredited { .. } => "order_credited",
            Self::OrderRefunded { .. } => "order_refunded",
        }
    }
}
