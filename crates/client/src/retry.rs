//! Repeating failed attempts: when, after how long, and what is known in the end.

use std::time::Duration;

use sealpost_envelope::{OsRng, rand_core::TryRng as _};
use sealpost_rest::Retry;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;

use crate::{error::ClientError, sent::Sent};

/// How often a call is tried, and how long it pauses in between.
///
/// The pause before the attempt `n + 1` is random, between zero and `first_pause · 2^(n−1)`, and never more than
/// `longest_pause`: callers that failed together don't come back together. If the gateway says how long to wait
/// (`Retry-After`), the pause begins after that.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct RetryPolicy {
    attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl RetryPolicy {
    /// Tries at most this many times, and at least once.
    pub const fn attempts(attempts: u32) -> Self {
        Self {
            attempts,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
        }
    }

    /// Tries every call once.
    pub const fn never() -> Self {
        Self::attempts(1)
    }

    /// Sets the longest pause after the first attempt, which doubles with each attempt, and the longest pause of all. The
    /// defaults are 250 ms and 10 s.
    pub const fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// Returns the pause after this attempt (the first is 1) for a random number.
    fn pause(&self, attempt: u32, random: u64) -> Duration {
        let doubled = self.first_pause.saturating_mul(
            1_u32
                .checked_shl(attempt.saturating_sub(1))
                .unwrap_or(u32::MAX),
        );
        let most = doubled.min(self.longest_pause);
        // A word of nanoseconds is 584 years, and the product of two words fits.
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        let nanoseconds = (u128::from(most) * u128::from(random)) >> u64::BITS;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(most))
    }
}

impl Default for RetryPolicy {
    /// Five attempts.
    fn default() -> Self {
        Self::attempts(5)
    }
}

/// An attempt that failed, and how long its answer asks to wait.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: ClientError,
    pub(crate) retry_after: Option<Duration>,
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

/// How long one call may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) attempt: Duration,
    pub(crate) deadline: Instant,
}

/// What earlier attempts may have done.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The last attempt after which the secret may have been created.
    unknown: Option<ClientError>,
}

impl History {
    fn note(&mut self, error: ClientError) {
        if error.may_have_been_created() {
            self.unknown = Some(error);
        }
    }

    /// Returns the error that the call ends with. It never says that nothing was created if an earlier attempt may have
    /// created the secret.
    fn settle(&mut self, last: ClientError) -> ClientError {
        let Some(unknown) = self.unknown.take() else {
            return last;
        };
        match last {
            ClientError::Problem(mut problem) => {
                problem.after_unknown = true;
                ClientError::Problem(problem)
            }
            last if last.may_have_been_created() => last,
            ClientError::Connect(source) => ClientError::Connection(source),
            _ => unknown,
        }
    }

    /// Prepares another round of attempts of the same call.
    pub(crate) fn reopen(&mut self, ended: &ClientError) {
        if let ClientError::Problem(problem) = ended
            && problem.after_unknown
        {
            self.unknown = Some(ClientError::Timeout);
        }
    }
}

/// Runs attempts until one succeeds or fails for good, or the policy or the time ends.
pub(crate) async fn run<T, F>(
    policy: &RetryPolicy,
    limits: Limits,
    history: &mut History,
    mut attempt: impl FnMut(Sent) -> F,
) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, Failed>>,
{
    let mut number = 1;
    loop {
        let until = limits.deadline.min(Instant::now() + limits.attempt);
        let sent = Sent::default();
        let Failed { error, retry_after } = match timeout_at(until, attempt(sent.clone())).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failed)) => failed,
            Err(_) => ClientError::out_of_time(&sent).into(),
        };
        if !may_pass(&error) || number >= policy.attempts {
            return Err(history.settle(error));
        }
        // Without randomness, the longest pause.
        let random = OsRng.try_next_u64().unwrap_or(u64::MAX);
        let pause = retry_after
            .unwrap_or_default()
            .saturating_add(policy.pause(number, random));
        let left = limits.deadline.saturating_duration_since(Instant::now());
        if left <= pause {
            let error = match retry_after {
                Some(asked) if asked >= left => error.with_too_late(asked, left),
                _ => error,
            };
            return Err(history.settle(error));
        }
        debug!(%error, attempt = number, ?pause, "trying again");
        history.note(error);
        sleep(pause).await;
        number += 1;
    }
}

/// Returns whether another attempt may succeed.
///
/// A 400, 403 or 409 is final. So is a 500: nothing says that its cause passes.
fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Connect(_) | ClientError::Connection(_) | ClientError::Timeout => true,
        // An intermediary answers in its own format.
        ClientError::Unexpected { status, .. } => is_passing(*status),
        ClientError::Problem(problem) => match problem.kind {
            Some(kind) => kind.retry() == Retry::Later,
            // This release does not know the type, or it is an intermediary's.
            None => is_passing(problem.status),
        },
        _ => false,
    }
}

/// Returns whether the status says that its cause passes: too many requests, or something behind the intermediary.
const fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::VecDeque, future::ready, io};

    use super::*;
    use crate::problem::Problem;

    const MINUTE: Duration = Duration::from_secs(60);

    fn problem(name: &str, status: u16, retry_after: Option<u64>) -> ClientError {
        let body = format!(r#"{{"type":"urn:sealpost:problem:{name}"}}"#);
        let mut problem = Problem::parse(status, body.as_bytes(), None).unwrap();
        problem.retry_after = retry_after.map(Duration::from_secs);
        ClientError::Problem(Box::new(problem))
    }

    /// As an attempt fails.
    fn failed(error: ClientError) -> Failed {
        let retry_after = match &error {
            ClientError::Problem(problem) => problem.retry_after,
            _ => None,
        };
        Failed { error, retry_after }
    }

    fn connect() -> ClientError {
        ClientError::Connect(Box::new(io::Error::other("refused")))
    }

    /// Runs these outcomes one after the other; returns the result, how many were used, and the time it took.
    async fn script(
        policy: &RetryPolicy,
        total: Duration,
        outcomes: Vec<Result<u8, ClientError>>,
    ) -> (Result<u8, ClientError>, usize, Duration) {
        let (count, outcomes) = (outcomes.len(), RefCell::new(VecDeque::from(outcomes)));
        let start = Instant::now();
        let limits = Limits {
            attempt: MINUTE,
            deadline: start + total,
        };
        let next = |_| {
            let outcome = outcomes.borrow_mut().pop_front();
            ready(outcome.expect("one more attempt").map_err(failed))
        };
        let result = run(policy, limits, &mut History::default(), next).await;
        (result, count - outcomes.borrow().len(), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again() {
        for error in [
            connect,
            || ClientError::Connection(Box::new(io::Error::other("reset"))),
            || ClientError::Timeout,
            || ClientError::unexpected(502),
            || problem("agent-offline", 504, None),
            || problem("agent-timeout", 504, None),
            || problem("rate-limited", 504, None),
            || problem("agent-busy", 504, None),
            || problem("overloaded", 504, None),
            || problem("something-new", 504, None),
            || problem("something-new", 503, None),
            || problem("something-new", 429, None),
            || ClientError::unexpected(429),
        ] {
            let outcomes = vec![Err(error()), Err(error()), Ok(7)];
            let (result, used, elapsed) = script(&RetryPolicy::default(), MINUTE, outcomes).await;
            assert_eq!(result.unwrap(), 7, "{:?}", error());
            assert_eq!(used, 3);
            assert!(elapsed <= Duration::from_millis(750), "{elapsed:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_last_word_is_not_questioned() {
        for error in [
            problem("invalid-request", 400, None),
            problem("body-timeout", 400, None),
            problem("forbidden", 403, None),
            problem("secret-exists", 409, None),
            problem("internal", 500, None),
            problem("something-new", 500, None),
            ClientError::unexpected(302),
            ClientError::unexpected(201),
            ClientError::Token,
            ClientError::ValueNotJson,
        ] {
            let text = error.to_string();
            let (result, used, elapsed) =
                script(&RetryPolicy::default(), MINUTE, vec![Err(error), Ok(7)]).await;
            assert_eq!(result.unwrap_err().to_string(), text);
            assert_eq!((used, elapsed), (1, Duration::ZERO), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_policy_ends_it() {
        let outcomes = (0..9).map(|_| Err(connect())).collect();
        let (result, used, elapsed) = script(&RetryPolicy::attempts(4), MINUTE, outcomes).await;
        assert!(matches!(result, Err(ClientError::Connect(_))));
        assert_eq!(used, 4);
        assert!(elapsed <= Duration::from_millis(250 + 500 + 1000));
        let (_, used, _) = script(&RetryPolicy::never(), MINUTE, vec![Err(connect()), Ok(1)]).await;
        assert_eq!(used, 1);
        let (_, used, _) = script(&RetryPolicy::attempts(0), MINUTE, vec![Err(connect())]).await;
        assert_eq!(used, 1, "at least one");
    }

    #[tokio::test(start_paused = true)]
    async fn the_gateway_says_how_long_to_wait() {
        let outcomes = vec![Err(problem("rate-limited", 504, Some(7))), Ok(1)];
        let (result, _, elapsed) = script(&RetryPolicy::default(), MINUTE, outcomes).await;
        assert!(result.is_ok());
        assert!((7..=8).contains(&elapsed.as_secs()), "{elapsed:?}");
        // Longer than there is time: said at once, not after waiting in vain.
        let outcomes = vec![Err(problem("rate-limited", 504, Some(61))), Ok(1)];
        let (result, used, elapsed) = script(&RetryPolicy::default(), MINUTE, outcomes).await;
        assert!(matches!(result, Err(ClientError::Problem(_))));
        assert_eq!((used, elapsed), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_and_the_whole_have_their_time() {
        let start = Instant::now();
        let (attempt, total) = (Duration::from_secs(10), Duration::from_secs(25));
        let limits = Limits {
            attempt,
            deadline: start + total,
        };
        let mut attempts = 0;
        let never = |sent: Sent| {
            attempts += 1;
            sent.note_taken();
            std::future::pending::<Result<u8, Failed>>()
        };
        let policy = RetryPolicy::attempts(100).with_pauses(Duration::ZERO, Duration::ZERO);
        let result = run(&policy, limits, &mut History::default(), never).await;
        assert!(matches!(result, Err(ClientError::Timeout)));
        assert_eq!(attempts, 3);
        assert_eq!(start.elapsed(), total);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_ends_before_anything_was_sent_has_created_nothing() {
        let limits = Limits {
            attempt: MINUTE,
            deadline: Instant::now() + MINUTE,
        };
        let silent = |_| std::future::pending::<Result<u8, Failed>>();
        let policy = RetryPolicy::default();
        let error = run(&policy, limits, &mut History::default(), silent).await;
        let error = error.unwrap_err();
        assert!(matches!(error, ClientError::Connect(_)), "{error:?}");
        assert!(!error.may_have_been_created() && !error.to_string().contains("created"));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_claimed_that_an_earlier_attempt_leaves_open() {
        let policy = RetryPolicy::attempts(2);
        let after_timeout = async |last| {
            let outcomes = vec![Err(ClientError::Timeout), Err(last)];
            script(&policy, MINUTE, outcomes).await.0.unwrap_err()
        };
        let exists = after_timeout(problem("secret-exists", 409, None)).await;
        assert!(exists.may_have_been_created());
        assert!(
            exists.to_string().contains("an earlier attempt"),
            "{exists}"
        );
        assert!(matches!(
            after_timeout(connect()).await,
            ClientError::Connection(_)
        ));
        assert!(matches!(
            after_timeout(ClientError::Token).await,
            ClientError::Timeout
        ));

        let outcomes = vec![Err(connect()), Err(problem("secret-exists", 409, None))];
        let error = script(&policy, MINUTE, outcomes).await.0.unwrap_err();
        assert!(!error.may_have_been_created(), "nothing was sent before");
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_jittered_in_full() {
        let policy = RetryPolicy::attempts(99)
            .with_pauses(Duration::from_millis(100), Duration::from_secs(1));
        let most: Vec<_> = [1, 2, 3, 4, 5, 31, 32, 33, u32::MAX]
            .map(|attempt| policy.pause(attempt, u64::MAX).as_millis())
            .into();
        assert_eq!(most, [99, 199, 399, 799, 999, 999, 999, 999, 999]);
        assert_eq!(policy.pause(3, 0), Duration::ZERO);
        assert_eq!(policy.pause(3, 1 << 63), Duration::from_millis(200));
        let endless = RetryPolicy::attempts(9).with_pauses(Duration::MAX, Duration::MAX);
        assert!(endless.pause(9, u64::MAX) > Duration::from_secs(u64::from(u32::MAX)));
    }
}
