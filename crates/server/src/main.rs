//! The binary `cloakroom`.

fn main() -> std::process::ExitCode {
    cloakroom_server::cli::run()
}
