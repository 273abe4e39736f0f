//! The rows of accounts, workspaces, one-time links, second factors and sign-in delays, as
//! `migrations/src/m002_accounts.rs` and `m006_people.rs` describe them.

pub(super) mod workspace {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "workspace")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod account {
    use domain::Amount;
    use domain::views::{AccountView, Chosen};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "account")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub workspace_id: String,
        pub email: String,
        pub email_key: String,
        pub password_hash: Option<String>,
        pub admin: bool,
        pub created_at: i64,
        pub name: String,
        pub name_key: String,
        pub verified_at: Option<i64>,
        pub blocked_at: Option<i64>,
        pub blocked_reason: Option<String>,
        pub terms_at: Option<i64>,
        pub consent_at: Option<i64>,
        pub locale: Option<String>,
        pub currency: Option<String>,
        pub time_zone: Option<String>,
        pub theme: Option<String>,
        pub shortcuts: bool,
        pub low_balance_nusd: Option<i64>,
        pub low_balance_told_at: Option<i64>,
        pub signed_in_at: Option<i64>,
        pub epoch: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    /// Rows hold a password's hash and an e-mail: logs get the id.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "account {}", self.id)
        }
    }

    impl Model {
        /// A sign-up whose mailed link nobody used yet. (Who was moved in from another system never agreed to terms here.)
        pub fn waits_for_its_owner(&self) -> bool {
            self.verified_at.is_none() && self.terms_at.is_some()
        }

        /// What others may see of the row.
        pub fn view(self) -> Result<AccountView, DbErr> {
            Ok(AccountView {
                id: self.id.parse().map_err(|_| broken("account.id"))?,
                workspace: self
                    .workspace_id
                    .parse()
                    .map_err(|_| broken("account.workspace_id"))?,
                email: self.email,
                name: self.name,
                admin: self.admin,
                verified: self.verified_at.is_some(),
                blocked: self.blocked_at.is_some(),
                created_at: self.created_at,
                epoch: self.epoch,
                chosen: Chosen {
                    locale: self.locale,
                    currency: self.currency,
                    time_zone: self.time_zone,
                    theme: self.theme,
                    shortcuts: self.shortcuts,
                },
                low_balance: self.low_balance_nusd.map(Amount::from_nanos),
            })
        }
    }

    fn broken(column: &str) -> DbErr {
        DbErr::Type(format!("{column} holds something that is not an id"))
    }
}

pub(super) mod setup_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "setup_token")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub account_id: String,
        pub expires_at: i64,
        pub used_at: Option<i64>,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod sign_in_delay {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_in_delay")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject: String,
        pub failures: i64,
        pub blocked_until: i64,
        pub updated_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod account_link {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "account_link")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub account_id: String,
        pub purpose: String,
        pub email: Option<String>,
        pub network: String,
        pub expires_at: i64,
        pub used_at: Option<i64>,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod second_factor {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "second_factor")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: String,
        pub sealed: String,
        pub confirmed_at: Option<i64>,
        pub last_step: i64,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod recovery_code {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "recovery_code")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code_hash: String,
        pub account_id: String,
        pub used_at: Option<i64>,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod welcome_credit {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "welcome_credit")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person: String,
        pub account_id: String,
        pub network: String,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
