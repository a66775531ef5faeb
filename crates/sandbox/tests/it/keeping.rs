//! What begins in the sandbox ends with it, and as it should.

use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use statehouse_sandbox::{Layers, Order, kill};

use crate::cell::{Cell, is_left, line};

/// With and without a process namespace, and without anything.
fn kinds() -> Vec<Cell> {
    let mut cells = Cell::of_everybody();
    for mut cell in Cell::ours() {
        cell.layers.processes = false;
        cells.push(cell);
    }
    for mut cell in Cell::ours() {
        cell.layers = Layers::NONE;
        cells.push(cell);
    }
    cells
}

#[test]
fn it_ends_as_the_program_ended() {
    for cell in kinds() {
        assert_eq!(cell.say("exit 0").status.code(), Some(0));
        assert_eq!(cell.say("exit 3").status.code(), Some(3));
        assert_eq!(cell.say("kill -9 $$").status.signal(), Some(9));
    }
}

#[test]
fn a_daemon_does_not_outlive_its_run() {
    for cell in kinds() {
        let daemon = "setsid sh -c 'trap \"\" TERM HUP; echo up; sleep 1000' & read up < fifo";
        let script =
            format!("mkfifo fifo; {}; echo over", daemon.replace("echo up", "echo up > fifo"));
        let mut child = cell.start(&script);
        assert!(child.wait().unwrap().success());
        assert!(is_left(child.stdout.take().unwrap()), "{:?}", cell.layers);
    }
}

#[test]
fn killing_it_ends_all_of_it_before_it_counts_as_ended() {
    for cell in kinds() {
        let script = "trap '' TERM; (trap '' TERM; setsid sleep 1000) & echo up; sleep 1000";
        let mut child = cell.start(script);
        assert_eq!(line(&mut child), "up");
        kill(Pid::from_child(&child));
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert!(is_left(child.stdout.take().unwrap()), "{:?}", cell.layers);
    }
}

#[test]
fn an_interrupt_reaches_the_program_alone() {
    for cell in kinds() {
        let script = "trap 'echo told; exit 4' TERM; echo up; while :; do sleep 0.05; done";
        let mut child = cell.start(script);
        assert_eq!(line(&mut child), "up");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(line(&mut child), "told");
        assert_eq!(child.wait().unwrap().code(), Some(4));
    }
}

/// Engines take a second one for an order to drop everything, their state too.
#[test]
fn of_many_interrupts_one_reaches_the_program() {
    for cell in kinds() {
        let script = "n=0; trap 'n=$((n + 1)); echo told' TERM; mkfifo fifo; echo up; \
                      until read go < fifo; do :; done 2> /dev/null; echo \"counted $n\"";
        let mut child = cell.start(script);
        assert_eq!(line(&mut child), "up");
        let keeper = Pid::from_child(&child);
        interrupt(keeper);
        assert_eq!(line(&mut child), "told");
        for _ in 0..5 {
            interrupt(keeper);
        }
        // The inner one is a keeper too where there is a process namespace, else the program itself.
        if cell.layers.processes {
            let inner = only_child(keeper);
            heed(inner);
        }
        std::fs::write(cell.path("run/site/fifo"), "go\n").unwrap();
        assert_eq!(line(&mut child), "counted 1", "{:?}", cell.layers);
        assert!(child.wait().unwrap().success());
    }
}

/// Sends an interrupt to a keeper and waits until it has dealt with it.
fn interrupt(keeper: Pid) {
    kill_process(keeper, Signal::TERM).unwrap();
    until_taken(keeper);
    heed(keeper);
}

/// A keeper takes one signal after the other: when it has taken one that tells it nothing, it is done with all before.
fn heed(keeper: Pid) {
    until_taken(keeper);
    kill_process(keeper, Signal::CHILD).unwrap();
    until_taken(keeper);
}

/// Until no signal waits for a process.
fn until_taken(process: Pid) {
    let path = format!("/proc/{}/status", process.as_raw_nonzero());
    let waiting = || {
        let status = std::fs::read_to_string(&path).unwrap();
        status.lines().any(|line| {
            let set = line.strip_prefix("ShdPnd:").or_else(|| line.strip_prefix("SigPnd:"));
            set.is_some_and(|set| set.trim().bytes().any(|digit| digit != b'0'))
        })
    };
    let end = Instant::now() + Duration::from_mins(1);
    while waiting() {
        assert!(Instant::now() < end, "a keeper takes no signals");
        std::thread::yield_now();
    }
}

fn only_child(process: Pid) -> Pid {
    let id = process.as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    Pid::from_raw(list.trim().parse().unwrap()).unwrap()
}

#[test]
fn the_program_is_told_when_its_agent_dies_and_may_finish() {
    for cell in kinds() {
        let script = "trap 'echo told; exit 4' TERM; echo up; while :; do sleep 0.05; done";
        // The death signal comes when the thread ends that started it.
        let (mut child, cell) = std::thread::spawn(move || {
            let mut child = cell.start(script);
            assert_eq!(line(&mut child), "up");
            (child, cell)
        })
        .join()
        .unwrap();
        assert_eq!(line(&mut child), "told", "{:?}", cell.layers);
        assert_eq!(child.wait().unwrap().code(), Some(4));
    }
}

#[test]
fn an_orphan_that_does_not_end_is_killed_when_its_time_is_over() {
    for cell in kinds() {
        let mut agent = cell.agent("read go; \"$0\" engine-exec < ../order & wait");
        let script = "trap '' TERM; (trap '' TERM; setsid sleep 1000) & echo up; sleep 1000";
        let order =
            Order { parent: agent.id().cast_signed(), orphan_seconds: 1, ..cell.order(script) };
        std::fs::write(cell.path("run/order"), order.message().unwrap()).unwrap();
        agent.stdin.take().unwrap().write_all(b"go\n").unwrap();
        assert_eq!(line(&mut agent), "up");
        agent.kill().unwrap();
        agent.wait().unwrap();
        let mut output = agent.stdout.take().unwrap();
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(output.read_to_end(&mut Vec::new()).is_ok()));
        // It ends when the last of it is gone.
        assert_eq!(ended.recv_timeout(Duration::from_mins(1)), Ok(true), "{:?}", cell.layers);
    }
}

#[test]
fn nothing_starts_without_its_agent() {
    for cell in kinds() {
        let mut order = cell.order("echo up > up");
        order.parent = 1;
        assert!(!cell.carry_out(&order).wait().unwrap().success());
        assert!(!cell.path("run/site/up").exists());
    }
}

#[test]
fn when_its_keeper_is_killed_all_of_it_ends() {
    for cell in Cell::of_everybody() {
        let mut child = cell.start("trap '' TERM; setsid sleep 1000 & echo up; sleep 1000");
        assert_eq!(line(&mut child), "up");
        child.kill().unwrap();
        child.wait().unwrap();
        // It comes to its end by itself: the pipe closes when the last of it is gone.
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut rest).unwrap();
    }
}

#[test]
fn limits_and_environment_are_those_of_the_order() {
    for mut cell in kinds() {
        cell.limits.file_bytes = Some(1024);
        let said =
            cell.say("env; ulimit -c; head -c 100000 /dev/zero > big; stat -c 'size %s' big");
        assert!(!said.text.contains("SECRET"), "{said:?}");
        assert!(said.text.contains("\n0\n"), "{said:?}");
        assert!(said.text.contains("size 1024"), "{said:?}");
    }
}
