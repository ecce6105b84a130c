//! The command line of the Terraform process: the protocol does not say whether a plan is for a destroy,
//! or whether it is limited by targets. It only affects texts of diagnostics, never a write.

/// What is known of the command; nothing where the host's process cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostCommand {
    /// It ends in a destroy, which begins with an ordinary plan.
    pub(crate) destroys: bool,
    /// It leaves out what no `-target` names.
    pub(crate) is_targeted: bool,
}

impl HostCommand {
    /// The command of the process that has started this one.
    #[cfg(target_os = "linux")]
    pub(crate) fn current() -> Self {
        let parent = std::os::unix::process::parent_id();
        let read = std::fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&read);
        let mut words: Vec<&str> = line.split_terminator('\0').collect();
        // The host adds what these hold to its arguments, and hands them on.
        let more: Vec<String> =
            std::env::vars().filter(|(name, _)| name.starts_with("TF_CLI_ARGS")).map(|(_, more)| more).collect();
        words.extend(more.iter().flat_map(|more| more.split_whitespace()));
        Self::of(&words)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn current() -> Self {
        Self::default()
    }

    /// What a command line says: the program, and its arguments.
    #[cfg_attr(
        not(target_os = "linux"),
        allow(dead_code, reason = "other systems hide the arguments of other processes")
    )]
    fn of(words: &[&str]) -> Self {
        let Some((program, arguments)) = words.split_first() else { return Self::default() };
        let program = program.rsplit('/').next().unwrap_or_default();
        if !["terraform", "tofu"].iter().any(|host| program.starts_with(host)) {
            return Self::default();
        }
        let subcommand = arguments.iter().find(|argument| !argument.starts_with('-'));
        let flag = |name: &str| {
            arguments.iter().any(|argument| {
                let (flag, value) = argument.split_once('=').unwrap_or((argument, "true"));
                flag.starts_with('-') && flag.trim_start_matches('-') == name && value != "false"
            })
        };
        Self {
            destroys: subcommand.is_some_and(|command| ["destroy", "test"].contains(command)) || flag("destroy"),
            is_targeted: flag("target"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        for (line, destroys, is_targeted) in [
            ("terraform plan", false, false),
            ("terraform -chdir=x plan -out=destroy", false, false),
            ("terraform plan -destroy", true, false),
            ("terraform apply --destroy=true -target=omni_cluster.c", true, true),
            ("terraform apply -destroy=false", false, false),
            ("/usr/bin/terraform destroy -auto-approve", true, false),
            ("tofu -chdir=x destroy -target omni_cluster.c", true, true),
            ("terraform test", true, false),
            ("cargo test", false, false),
            ("", false, false),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(HostCommand::of(&words), HostCommand { destroys, is_targeted }, "{line}");
        }
    }
}
