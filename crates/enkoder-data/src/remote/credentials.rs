//! Who asks: credentials by the variables that other tools take them from. Without any, one asks as everybody may.

/// The value of a variable, where it is set and not empty.
pub(super) fn from_environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// How variables are looked up.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The first of some variables that is set.
pub(super) fn first(variables: Variables<'_>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| variables(name))
}

/// Keys of S3, or of Google's storage by the same protocol.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) session: Option<String>,
}

impl Keys {
    /// Those of S3; none where they are not set, or are not to be used.
    pub(super) fn of_s3(variables: Variables<'_>) -> Option<Self> {
        let is_on = |name| variables(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"));
        if ["AWS_SKIP_SIGNATURE", "AWS_NO_SIGN_REQUEST"].into_iter().any(is_on) {
            return None;
        }
        Some(Self {
            id: variables("AWS_ACCESS_KEY_ID")?,
            secret: variables("AWS_SECRET_ACCESS_KEY")?,
            session: variables("AWS_SESSION_TOKEN"),
        })
    }

    /// Google's keys of interoperability.
    pub(super) fn of_google(variables: Variables<'_>) -> Option<Self> {
        Some(Self { id: variables("GS_ACCESS_KEY_ID")?, secret: variables("GS_SECRET_ACCESS_KEY")?, session: None })
    }
}

/// What is added to each request.
#[derive(Clone)]
pub(super) enum Credentials {
    /// Nothing.
    Anonymous,
    /// A header `Authorization` as it is.
    Header(String),
    /// A signature of S3, of version 4.
    Signature { keys: Keys, region: String },
    /// A signature of Azure by the key of an account.
    Account { name: String, key: Vec<u8> },
}
