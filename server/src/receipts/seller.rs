//! Who sells, and who bought? As they are printed on a receipt, and kept with it.

use domain::fx::Coins;
use serde::{Deserialize, Serialize};
use texts::Texts;

/// What the operator says about themselves in `[seller]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerFacts {
    pub name: String,
    /// Lines of the address, as on a letter.
    pub address: Vec<String>,
    /// Registration or tax number.
    pub tax_id: Option<String>,
    /// The tax that the prices contain; `None` computes none.
    pub tax: Option<Tax>,
    /// A sentence about taxes for the foot of the receipt.
    pub tax_note: Option<String>,
    pub email: Option<String>,
    /// What the numbers of receipts begin with; the year follows.
    pub receipt_prefix: String,
    /// The same for credit notes; never equal to the other.
    pub credit_note_prefix: String,
}

/// A tax that is part of what is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// `VAT`
    pub name: String,
    /// In hundredths of a per cent, at most 10 000.
    pub bp: u16,
}

impl Tax {
    /// The tax in what was paid, rounded half up to whole coins.
    #[must_use]
    pub fn part_of(&self, paid: Coins) -> Coins {
        let (bp, whole) = (i128::from(self.bp), 10_000 + i128::from(self.bp));
        let doubled = 2 * i128::from(paid.minor()) * bp + whole;
        let minor = i64::try_from(doubled / (2 * whole));
        let minor = minor.expect("a part of what was paid fits where the whole does");
        Coins::new(paid.currency(), minor).expect("a part of what was paid is not below zero")
    }
}

impl SellerFacts {
    /// A seller of whom only the name is known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: Vec::new(),
            tax_id: None,
            tax: None,
            tax_note: None,
            email: None,
            receipt_prefix: "R-".to_owned(),
            credit_note_prefix: "C-".to_owned(),
        }
    }
}

/// The seller with the words in which receipts are printed. Cheap to clone.
#[derive(Clone)]
pub struct Seller {
    pub facts: SellerFacts,
    pub(super) texts: Texts,
}

impl Seller {
    #[must_use]
    pub const fn new(facts: SellerFacts, texts: Texts) -> Self {
        Self { facts, texts }
    }
}

/// Who bought, as the account said when the receipt was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    pub name: String,
    pub email: String,
}
