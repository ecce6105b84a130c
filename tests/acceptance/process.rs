//! Programs that run for a test: started in a group of their own, read line by line, and ended with the test.
//! It knows neither CLIs nor servers.

use crate::Outcome;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// No step of a test takes this long unless it hangs.
const RUN_TIMEOUT: Duration = Duration::from_secs(240);

/// Keeps what is set on the developer's machine away from a program.
pub trait Isolated {
    /// The same command without variables that would change what it does.
    fn isolated(&mut self) -> &mut Self;
}

impl Isolated for Command {
    fn isolated(&mut self) -> &mut Self {
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_uppercase();
            let ours = ["TF_", "OMNI", "SIDERO_", "CHECKPOINT_"].iter().any(|p| upper.starts_with(p));
            if ours || ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].contains(&upper.as_str()) {
                self.env_remove(name);
            }
        }
        // An own file is named by each workspace; a file of the user's must not count even without one.
        self.env("TF_CLI_CONFIG_FILE", "/dev/null")
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .stdin(Stdio::null())
    }
}

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Output {
    /// The output of a program that has to succeed.
    ///
    /// # Errors
    /// With all that it wrote, when it failed.
    pub fn success(self) -> Outcome<Self> {
        if self.code == 0 { Ok(self) } else { Err(format!("{self}").into()) }
    }

    /// The output of a program that has to fail.
    ///
    /// # Errors
    /// With all that it wrote, when it succeeded.
    pub fn failure(self) -> Outcome<Self> {
        if self.code == 0 { Err(format!("this should have failed: {self}").into()) } else { Ok(self) }
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ended with {}\n{}\n{}", self.command, self.code, self.stdout.trim_end(), self.stderr.trim_end())
    }
}

/// A program that runs; it is killed with its group when this is dropped.
pub struct Running {
    command: String,
    child: Child,
    lines: Receiver<Line>,
    stdout: String,
    stderr: String,
    ended: bool,
}

enum Line {
    Out(String),
    Err(String),
}

impl Running {
    /// Starts a program in a group of its own.
    pub fn start(command: &mut Command) -> Outcome<Self> {
        let text = shown(command);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|e| format!("could not run `{text}`: {e}"))?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            read(out, sender.clone(), Line::Out);
        }
        if let Some(err) = child.stderr.take() {
            read(err, sender, Line::Err);
        }
        Ok(Self { command: text, child, lines, stdout: String::new(), stderr: String::new(), ended: false })
    }

    /// Waits until a line of output, of either kind, contains the text, and returns that line.
    ///
    /// # Errors
    /// With all output so far, when the program ends before that, or takes too long.
    pub fn wait_for(&mut self, text: &str) -> Outcome<String> {
        let deadline = Instant::now() + RUN_TIMEOUT;
        loop {
            match self.next(deadline) {
                Some(line) if line.contains(text) => return Ok(line),
                Some(_) => {}
                None => {
                    let (out, err) = (&self.stdout, &self.stderr);
                    return Err(format!("`{}` never wrote {text:?}\n{out}\n{err}", self.command).into());
                }
            }
        }
    }

    /// Sends a signal, such as `INT`, to the whole group, as Ctrl-C in a terminal does.
    pub fn signal(&self, name: &str) -> Outcome {
        let group = format!("-{}", self.child.id());
        // Without `unsafe` code, a signal takes the program that sends it.
        let output = Command::new("kill").args(["-s", name, "--", &group]).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("could not signal {group}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// Ctrl-C.
    pub fn interrupt(&self) -> Outcome {
        self.signal("INT")
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When that takes too long; the program is killed then.
    pub fn finish(mut self) -> Outcome<Output> {
        let deadline = Instant::now() + RUN_TIMEOUT;
        while self.next(deadline).is_some() {}
        if Instant::now() >= deadline {
            return Err(format!("`{}` hangs\n{}\n{}", self.command, self.stdout, self.stderr).into());
        }
        let status = self.child.wait()?;
        self.ended = true;
        let (stdout, stderr) = (std::mem::take(&mut self.stdout), std::mem::take(&mut self.stderr));
        Ok(Output { command: self.command.clone(), code: status.code().unwrap_or(-1), stdout, stderr })
    }

    /// Kills it with its group, and waits until it is gone.
    pub fn kill(mut self) -> Outcome {
        self.end()
    }

    fn next(&mut self, deadline: Instant) -> Option<String> {
        let left = deadline.saturating_duration_since(Instant::now());
        let (line, all) = match self.lines.recv_timeout(left) {
            Ok(Line::Out(line)) => (line, &mut self.stdout),
            Ok(Line::Err(line)) => (line, &mut self.stderr),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        };
        all.push_str(&line);
        all.push('\n');
        Some(line)
    }

    fn end(&mut self) -> Outcome {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        let killed = self.signal("KILL");
        self.child.wait()?;
        killed
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The group may be gone already.
        drop(self.end());
    }
}

fn read(from: impl Read + Send + 'static, to: Sender<Line>, line: fn(String) -> Line) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(from);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
            bytes.clear();
            if to.send(line(text)).is_err() {
                return;
            }
        }
    });
}

fn shown(command: &Command) -> String {
    let name = command.get_program().to_string_lossy();
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    command.get_args().fold(name, |text, a| format!("{text} {}", a.to_string_lossy()))
}
