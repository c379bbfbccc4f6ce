//! Closed sets of words: an enum here, a CHECK in the table.

macro_rules! words {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(crate) fn from_word(word: &str) -> $crate::Result<Self> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::StoreError::unreadable(std::io::Error::other(
                        format!(concat!("not a ", stringify!($name), ": {:?}"), word),
                    ))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    )*};
}

words! {
    /// A stage's place in the queue.
    pub enum JobState {
        /// Waits for its inputs.
        Blocked = "blocked",
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        /// On request, or because an input failed.
        Cancelled = "cancelled",
    }

    /// One try at a stage.
    pub enum AttemptState {
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        /// Stopped on request with its progress saved.
        Preempted = "preempted",
        /// Its lease ran out.
        Lost = "lost",
        Fenced = "fenced",
        Cancelled = "cancelled",
    }

    /// What a person says of the grader's word on a completion.
    pub enum GraderVerdict {
        Right = "right",
        Wrong = "wrong",
    }

    /// Derived from the states of a run's jobs (view `run_state`).
    pub enum RunState {
        Waiting = "waiting",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}
