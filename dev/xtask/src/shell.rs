//! Starting programs: one value that names a program, its arguments, its folder and its environment.
//!
//! It never goes through a shell, so nothing needs quoting and what is printed is what is run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The repository's root, where every command runs unless it says otherwise.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// A program with its arguments, as a table row can hold it.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// The program; looked up on `PATH`, or relative to the root when it holds a slash.
    pub(crate) program: &'static str,
    pub(crate) arguments: &'static [&'static str],
    /// Folder below the root.
    pub(crate) folder: &'static str,
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

impl Call {
    pub(crate) const fn new(program: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { program, arguments, folder: "", environment: &[] }
    }

    pub(crate) const fn inside(self, folder: &'static str) -> Self {
        Self { folder, ..self }
    }

    pub(crate) const fn with(self, environment: &'static [(&'static str, &'static str)]) -> Self {
        Self { environment, ..self }
    }

    /// Runs it with this terminal's output; false when it ended with anything but 0.
    pub(crate) fn succeeds(&self, more: &[(String, String)]) -> Result<bool> {
        let status = self.command(more).status().with_context(|| format!("failed to start `{self}`"))?;
        Ok(status.success())
    }

    /// Runs it silently; false also when the program does not exist.
    pub(crate) fn probe(&self) -> bool {
        let mut command = self.command(&[]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Runs it and returns what it wrote to standard output.
    pub(crate) fn output(&self) -> Result<Vec<u8>> {
        let mut command = self.command(&[]);
        let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("failed to start `{self}`"))?;
        if !output.status.success() {
            bail!("`{self}` ended with {}", output.status);
        }
        Ok(output.stdout)
    }

    fn command(&self, more: &[(String, String)]) -> Command {
        let root = root();
        let program = if self.program.contains('/') { root.join(self.program) } else { self.program.into() };
        let mut command = Command::new(program);
        command.args(self.arguments).current_dir(root.join(self.folder));
        command.envs(more.iter().map(|(name, value)| (name, value))).envs(self.environment.iter().copied());
        command
    }
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.environment {
            write!(out, "{name}='{value}' ")?;
        }
        write!(out, "{}", self.program)?;
        for argument in self.arguments {
            let quote = if argument.contains([' ', '[', '*', '(']) { "'" } else { "" };
            write!(out, " {quote}{argument}{quote}")?;
        }
        if !self.folder.is_empty() {
            write!(out, "   (in {})", self.folder)?;
        }
        Ok(())
    }
}

/// Whether a program of that name is on `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// Whether a switch such as `CI` is set to anything but nothing, `0` or `false`.
pub(crate) fn switched_on(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0" && value != "false")
}
