//! All accounts and sessions, and what of them is visible yet.
//!
//! IAM itself always answers from the newest state. Authentication and authorisation, in STS, S3
//! and IAM alike, see what has *propagated*: with [`crate::Propagation`] configured, a new role,
//! policy or key works only after a while, as it does at AWS.

use super::account::{AccessKeyRecord, Account, Role};
use super::caller::Caller;
use super::session::Session;
use crate::disk::replace;
use crate::document::Document;
use crate::options::Propagation;
use crate::query::{QueryError, QueryResult};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use types::{AccountId, Clock, RoleArn, SecretString, Timestamp};

/// One state of all accounts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accounts(BTreeMap<AccountId, Arc<Account>>);

impl Accounts {
    /// The account called `id`.
    pub(crate) fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.0.get(id)
    }

    /// The role called `arn`.
    pub(crate) fn role(&self, arn: &RoleArn) -> Option<&Arc<Role>> {
        self.account(arn.account())?
            .role(arn.name())
            .filter(|role| role.arn.path() == arn.path())
    }

    /// The document that a managed policy has by default.
    pub(crate) fn policy(&self, arn: &str) -> Option<&Document> {
        let account = arn.split(':').nth(4)?;
        let policy = self
            .account(&AccountId::parse(account).ok()?)?
            .policies
            .values()
            .find(|policy| policy.arn == arn)?;
        let version = policy.versions.get(&policy.default)?;
        Some(&version.document)
    }

    /// Who owns a KMS key, and its policy.
    pub(crate) fn key_policy(&self, arn: &str) -> Option<(&AccountId, &Document)> {
        let account = AccountId::parse(arn.split(':').nth(4)?).ok()?;
        let account = self.account(&account)?;
        Some((&account.id, account.keys.get(arn)?))
    }

    fn key(&self, id: &str) -> Option<(Caller, &AccessKeyRecord)> {
        self.0.values().find_map(|account| {
            if account.root.id == id {
                return Some((Caller::Root(account.id.clone()), &account.root));
            }
            account.users.values().find_map(|user| {
                let key = user.keys.iter().find(|key| key.id == id && key.active)?;
                Some((Caller::User(account.id.clone(), Arc::clone(user)), key))
            })
        })
    }
}

/// Why an access key gives no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    /// No such key, or it is switched off.
    UnknownKey,
    /// The key is temporary and its token is not the one that was sent.
    WrongToken,
    /// The session is over.
    Expired,
}

/// When a change becomes visible.
#[derive(Debug, Clone, Copy)]
struct VisibleFrom {
    time: Timestamp,
    call: u64,
}

#[derive(Debug)]
struct States {
    newest: Arc<Accounts>,
    waiting: VecDeque<(VisibleFrom, Arc<Accounts>)>,
    visible: Arc<Accounts>,
    /// Calls of STS and S3 so far.
    calls: u64,
    propagation: Propagation,
}

/// Accounts and sessions.
#[derive(Debug)]
pub(crate) struct Directory {
    root: PathBuf,
    clock: Arc<dyn Clock>,
    states: Mutex<States>,
    sessions: RwLock<HashMap<String, Arc<Session>>>,
}

impl Directory {
    /// Opens the directory under `root`.
    pub(crate) fn open(
        root: &Path,
        clock: Arc<dyn Clock>,
        propagation: Propagation,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let mut accounts = BTreeMap::new();
        for entry in std::fs::read_dir(root)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let account: Account = serde_json::from_slice(&std::fs::read(&path)?)?;
                accounts.insert(account.id.clone(), Arc::new(account));
            }
        }
        let newest = Arc::new(Accounts(accounts));
        let sessions = load_sessions(&root.join(SESSIONS), clock.now())?;
        Ok(Self {
            root: root.to_path_buf(),
            clock,
            states: Mutex::new(States {
                visible: Arc::clone(&newest),
                newest,
                waiting: VecDeque::new(),
                calls: 0,
                propagation,
            }),
            sessions: RwLock::new(sessions),
        })
    }

    /// The newest state.
    pub(crate) fn newest(&self) -> Arc<Accounts> {
        Arc::clone(&self.lock().newest)
    }

    /// What has propagated.
    pub(crate) fn visible(&self) -> Arc<Accounts> {
        let now = self.clock.now();
        let mut states = self.lock();
        while let Some((from, state)) = states.waiting.front() {
            if now < from.time || states.calls < from.call {
                break;
            }
            states.visible = Arc::clone(state);
            states.waiting.pop_front();
        }
        Arc::clone(&states.visible)
    }

    /// Counts a call of STS or S3: propagation can be measured in calls.
    pub(crate) fn count_call(&self) {
        self.lock().calls += 1;
    }

    /// Changes how long changes take to propagate; those under way keep their time.
    pub(crate) fn set_propagation(&self, propagation: Propagation) {
        self.lock().propagation = propagation;
    }

    /// Makes an account unless it is there.
    pub(crate) fn ensure_account(&self, id: &AccountId) -> QueryResult<()> {
        let mut states = self.lock();
        if states.newest.account(id).is_some() {
            return Ok(());
        }
        let account = Account::new(id.clone(), self.clock.now());
        self.store(&mut states, account, true)
    }

    /// Changes an account; the change propagates as configured.
    pub(crate) fn change<T>(
        &self,
        id: &AccountId,
        change: impl FnOnce(&mut Account) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.change_account(id, change, false)
    }

    /// Changes an account; the change is visible at once.
    pub(crate) fn seed<T>(
        &self,
        id: &AccountId,
        change: impl FnOnce(&mut Account) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.change_account(id, change, true)
    }

    fn change_account<T>(
        &self,
        id: &AccountId,
        change: impl FnOnce(&mut Account) -> QueryResult<T>,
        at_once: bool,
    ) -> QueryResult<T> {
        let mut states = self.lock();
        let account = states.newest.account(id).ok_or_else(|| {
            QueryError::no_such_entity(format_args!("There is no account {id} in the sandbox."))
        })?;
        let mut account = Account::clone(account);
        let outcome = change(&mut account)?;
        self.store(&mut states, account, at_once)?;
        Ok(outcome)
    }

    fn store(&self, states: &mut States, account: Account, at_once: bool) -> QueryResult<()> {
        self.write(&account)
            .map_err(|error| QueryError::internal(format_args!("writing the account: {error}")))?;
        let mut next = Accounts::clone(&states.newest);
        next.0.insert(account.id.clone(), Arc::new(account));
        states.newest = Arc::new(next);
        let newest = Arc::clone(&states.newest);
        let now = self.clock.now();
        let from = match states.propagation {
            _ if at_once => None,
            Propagation::Immediate => None,
            Propagation::Seconds(seconds) => Some(VisibleFrom {
                time: now.plus_seconds(i64::from(seconds)),
                call: 0,
            }),
            Propagation::Calls(calls) => Some(VisibleFrom {
                time: now,
                call: states.calls + u64::from(calls) + 1,
            }),
        };
        match from {
            Some(from) => states.waiting.push_back((from, newest)),
            None => {
                states.waiting.clear();
                states.visible = newest;
            }
        }
        Ok(())
    }

    fn write(&self, account: &Account) -> io::Result<()> {
        let place = self.root.join(format!("{}.json", account.id));
        let draft = self.root.join(format!("{}.draft", account.id));
        replace(&place, &draft, &serde_json::to_vec_pretty(account)?)?;
        only_for_owner(&place)
    }

    /// The secret of an access key, temporary or not.
    pub(crate) fn secret(&self, access_key: &str) -> Option<SecretString> {
        if let Some(session) = self.session(access_key) {
            return Some(session.secret.as_str().into());
        }
        self.visible()
            .key(access_key)
            .map(|(_, key)| key.secret.clone())
    }

    /// Who signs with `access_key` and `token`.
    pub(crate) fn caller(
        &self,
        access_key: &str,
        token: Option<&str>,
    ) -> Result<Caller, Unauthenticated> {
        let accounts = self.visible();
        let Some(session) = self.session(access_key) else {
            let (caller, _) = accounts
                .key(access_key)
                .ok_or(Unauthenticated::UnknownKey)?;
            return match token {
                None => Ok(caller),
                Some(_) => Err(Unauthenticated::WrongToken),
            };
        };
        if token != Some(session.token.as_str()) {
            return Err(Unauthenticated::WrongToken);
        }
        if session.expires <= self.clock.now() {
            return Err(Unauthenticated::Expired);
        }
        let role = accounts
            .role(&session.role)
            .filter(|role| role.id == session.role_id)
            .ok_or(Unauthenticated::UnknownKey)?;
        Ok(Caller::Session(session, Arc::clone(role)))
    }

    /// Remembers a session, on disk too.
    pub(crate) fn add_session(&self, session: Session) -> io::Result<Arc<Session>> {
        let mut sessions = self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let path = self.root.join(SESSIONS);
        let mut line = serde_json::to_vec(&session)?;
        line.push(b'\n');
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)?;
        only_for_owner(&path)?;
        file.write_all(&line)?;
        let now = self.clock.now();
        sessions.retain(|_, session| now.seconds_since(session.expires) < FORGET_AFTER_SECONDS);
        let session = Arc::new(session);
        sessions.insert(session.access_key.clone(), Arc::clone(&session));
        Ok(session)
    }

    fn session(&self, access_key: &str) -> Option<Arc<Session>> {
        self.sessions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(access_key)
            .cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SESSIONS: &str = "sessions.jsonl";

/// For this long an ended session is answered with `ExpiredToken`, afterwards as an unknown key.
const FORGET_AFTER_SECONDS: i64 = 86_400;

fn load_sessions(path: &Path, now: Timestamp) -> io::Result<HashMap<String, Arc<Session>>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(error),
    };
    // A crash can cut the last line; its session was never answered.
    let live: Vec<Session> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|session: &Session| now.seconds_since(session.expires) < FORGET_AFTER_SECONDS)
        .collect();
    let mut lines = Vec::new();
    for session in &live {
        serde_json::to_writer(&mut lines, session)?;
        lines.push(b'\n');
    }
    replace(path, &path.with_extension("draft"), &lines)?;
    only_for_owner(path)?;
    Ok(live
        .into_iter()
        .map(|session| (session.access_key.clone(), Arc::new(session)))
        .collect())
}

#[cfg(unix)]
fn only_for_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn only_for_owner(_path: &Path) -> io::Result<()> {
    Ok(())
}
