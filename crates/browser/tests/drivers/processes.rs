//! What is still running.

/// The living processes of a process group, from /proc (`proc_pid_stat(5)`: state and pgrp follow the name).
pub(crate) fn members(group: i32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[2] == group.to_string() && fields[0] != "Z"
        })
        .collect()
}
