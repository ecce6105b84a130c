//! How the host was called, as far as its process tells: the protocol does not say whether a plan leads to a destroy,
//! nor whether it leaves out what is not targeted.
//!
//! A destroy begins with an ordinary plan, of which nothing is applied, and an error of that plan would stop it. So what is an
//! error of a plan that may be applied has to be a warning there. Linux shows the arguments of the process in `/proc`, and other
//! Unix systems by `ps`. Windows shows them to nobody who does not ask its management service, which takes seconds, and a host
//! may have another name than the two that are known. There it is not known whether a plan leads to a destroy: nothing stops
//! it then, and what must not happen is refused by the apply, which a destroy plans separately.

use std::sync::OnceLock;

/// The command, read when it is first asked for.
#[derive(Default)]
pub(crate) struct Host(OnceLock<HostCommand>);

/// What is known of the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostCommand {
    /// Whether it ends in a destroy, which begins with an ordinary plan; `None` where the command cannot be read.
    pub(crate) destroys: Option<bool>,
    /// It leaves out what no `-target` names.
    pub(crate) is_targeted: bool,
}

impl Host {
    /// The host that has started this process.
    pub(crate) fn parent() -> Self {
        Self::default()
    }

    /// A host that was called with this command line: the program, and its arguments.
    pub(crate) fn called(words: &[String]) -> Self {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Self(OnceLock::from(HostCommand::of(&words)))
    }

    pub(crate) fn command(&self) -> HostCommand {
        *self.0.get_or_init(|| {
            let mut words = parents_words();
            // The host adds what these hold to its arguments, and hands them on.
            let more = std::env::vars().filter(|(name, _)| name.starts_with("TF_CLI_ARGS"));
            words.extend(more.flat_map(|(_, more)| split(&more)));
            HostCommand::of(&words.iter().map(String::as_str).collect::<Vec<_>>())
        })
    }
}

fn split(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The words of the command line of the process that has started this one; none where they cannot be read.
#[cfg(unix)]
fn parents_words() -> Vec<String> {
    let parent = std::os::unix::process::parent_id();
    match std::fs::read(format!("/proc/{parent}/cmdline")) {
        Ok(line) if !line.is_empty() => {
            String::from_utf8_lossy(&line).split_terminator('\0').map(str::to_owned).collect()
        }
        _ => split(&by_ps(parent).unwrap_or_default()),
    }
}

#[cfg(not(unix))]
fn parents_words() -> Vec<String> {
    Vec::new()
}

/// The command line of a process, as POSIX has it. It does not tell a space within a word from one between two.
#[cfg(unix)]
fn by_ps(process: u32) -> Option<String> {
    let asked =
        std::process::Command::new("ps").args(["-ww", "-o", "args=", "-p", &process.to_string()]).output().ok()?;
    String::from_utf8(asked.stdout).ok().filter(|_| asked.status.success())
}

impl HostCommand {
    /// What a command line says: the program, and its arguments. Words may have been torn apart at their spaces, so a lone
    /// `destroy` counts wherever it is, and a subcommand that is unknown tells nothing.
    fn of(words: &[&str]) -> Self {
        let Some((program, arguments)) = words.split_first() else { return Self::default() };
        let program = program.rsplit(['/', '\\']).next().unwrap_or_default();
        if !["terraform", "tofu"].iter().any(|host| program.starts_with(host)) {
            return Self::default();
        }
        let flag = |name: &str| {
            arguments.iter().any(|argument| {
                let (flag, value) = argument.split_once('=').unwrap_or((argument, "true"));
                flag.starts_with('-') && flag.trim_start_matches('-') == name && value != "false"
            })
        };
        let subcommand = arguments.iter().find(|argument| !argument.starts_with('-'));
        let is = |commands: &[&str]| subcommand.is_some_and(|command| commands.contains(command));
        let destroys = if flag("destroy") || is(&["test"]) || arguments.contains(&"destroy") {
            Some(true)
        } else {
            is(&["plan", "apply", "refresh", "import"]).then_some(false)
        };
        Self { destroys, is_targeted: flag("target") }
    }

    /// Whether a plan may be the beginning of a destroy, so that it must not stop.
    pub(crate) fn may_destroy(self) -> bool {
        self.destroys != Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        const NO: Option<bool> = Some(false);
        const YES: Option<bool> = Some(true);
        for (line, destroys, is_targeted) in [
            ("terraform plan", NO, false),
            ("terraform -chdir=x plan -out=destroy", NO, false),
            ("terraform plan -destroy", YES, false),
            ("terraform apply --destroy=true -target=omni_cluster.c", YES, true),
            ("terraform apply -destroy=false", NO, false),
            ("/usr/bin/terraform destroy -auto-approve", YES, false),
            (r"C:\bin\terraform.exe apply", NO, false),
            ("tofu -chdir=x destroy -target omni_cluster.c", YES, true),
            ("terraform test", YES, false),
            // A folder with a space in its name, as `ps` shows it.
            ("terraform -chdir=my folder destroy", YES, false),
            ("terraform -chdir=my folder plan", None, false),
            ("terraform console", None, false),
            ("/opt/my programs/terraform destroy", None, false),
            ("cargo test", None, false),
            ("", None, false),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            let command = HostCommand::of(&words);
            assert_eq!(command, HostCommand { destroys, is_targeted }, "{line}");
            assert_eq!(command.may_destroy(), destroys != NO, "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_command_line_without_proc() {
        let shown = by_ps(std::process::id()).unwrap();
        let name = std::env::args().next().unwrap();
        assert!(split(&shown)[0].ends_with(name.rsplit('/').next().unwrap()), "{shown}");
        assert_eq!(by_ps(0), None);
    }
}
