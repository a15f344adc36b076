use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::*;
use crate::git::process::sealed::World;

mod site;

const OLD_GIT: Version = Version { major: 2, minor: 47, patch: 3 };
const NEW_GIT: Version = Version::CONFIG_HOOKS;

/// A repository `r`, and a binary that says what it was given.
struct Scene {
    world: World,
    repository: PathBuf,
    binary: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let repository = world.repository("r");
        world.git(world.path(""), "init -q --bare origin");
        world.git(&repository, "remote add origin ../origin");
        let log = world.path("said");
        let binary = world.script(
            "bin dir/git-opensession",
            format!("#!/bin/sh\n{{ echo \"args: $*\"; cat; }} >> '{}'\nexit ${{CODE-0}}\n", log.display()),
        );
        Self { world, repository, binary }
    }

    fn inspect(&self) -> Inspection {
        Inspection::new(&self.world.program(&self.repository), OLD_GIT).unwrap()
    }

    fn install(&self) -> Plan {
        let plan =
            self.inspect().plan_install(&Install { binary: &self.binary, replace_edited: false, way: None }).unwrap();
        plan.apply().unwrap();
        self.world.settle(&self.hook());
        plan
    }

    fn uninstall(&self) -> Plan {
        let plan = self.inspect().plan_uninstall();
        plan.apply().unwrap();
        plan
    }

    fn hooks(&self) -> PathBuf {
        self.repository.join(".git/hooks")
    }

    fn hook(&self) -> PathBuf {
        self.hooks().join("pre-push")
    }

    /// Runs the hook file as git does.
    fn run_hook(&self, stdin: &[u8], variables: &[(&str, &str)]) -> Output {
        let mut child = Command::new(self.hook())
            .args(["origin", "../origin"])
            .current_dir(&self.repository)
            .env_clear()
            .envs(&self.world.environment.variables)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A hook that does not read is allowed.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        child.wait_with_output().unwrap()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.world.path("said")).unwrap_or_default()
    }

    /// Everything in the hooks folder and the configuration: names, kinds, modes, bytes.
    fn snapshot(&self) -> BTreeMap<PathBuf, (String, u32, Vec<u8>)> {
        let mut all = BTreeMap::new();
        let mut paths: Vec<_> = fs::read_dir(self.hooks())
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        paths.extend([self.repository.join(".git/config"), self.hooks()]);
        for path in paths {
            let Ok(meta) = path.symlink_metadata() else { continue };
            let bytes = if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap_or_default()
            };
            all.insert(path, (format!("{:?}", meta.file_type()), meta.permissions().mode(), bytes));
        }
        all
    }
}

const UPDATE: &[u8] = b"refs/heads/main 1111111111111111111111111111111111111111 refs/heads/main \
0000000000000000000000000000000000000000\n";

#[test]
fn installing_into_nothing_and_uninstalling_leaves_every_byte_as_it_was() {
    let scene = Scene::new();
    let before = scene.snapshot();
    assert!(!scene.inspect().is_installed());
    assert_eq!(scene.install().steps.len(), 1);
    assert!(scene.inspect().is_installed());
    assert!(scene.install().is_empty(), "a second installation has nothing to do");
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
    assert!(scene.uninstall().is_empty());
}

#[test]
fn a_missing_hooks_folder_is_made_and_taken_away_again() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.hooks()).unwrap();
    let before = scene.snapshot();
    scene.install();
    assert!(scene.hook().is_file());
    assert!(scene.install().is_empty());
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
    assert!(!scene.hooks().exists());
}

#[test]
fn the_hook_calls_the_binary_with_gits_arguments_and_bytes() {
    let scene = Scene::new();
    scene.install();
    let out = scene.run_hook(UPDATE, &[]);
    assert_eq!((out.status.code(), out.stdout.len(), out.stderr.len()), (Some(0), 0, 0), "{out:?}");
    assert_eq!(scene.said(), format!("args: hook pre-push origin ../origin\n{}", String::from_utf8_lossy(UPDATE)));
    assert_eq!(scene.run_hook(UPDATE, &[("CODE", "1")]).status.code(), Some(1));
}

#[test]
fn a_real_push_goes_through_the_hook() {
    let scene = Scene::new();
    scene.install();
    scene.world.git(&scene.repository, "push -q origin main");
    assert!(scene.said().contains(" refs/heads/main 0000000"), "{}", scene.said());
}

#[test]
fn the_recursion_mark_ends_the_hook_at_once() {
    let scene = Scene::new();
    scene.install();
    assert_eq!(scene.run_hook(UPDATE, &[("OPENSESSION_INTERNAL", "1"), ("CODE", "1")]).status.code(), Some(0));
    assert_eq!(scene.said(), "");
}

#[test]
fn a_python_hook_that_reads_its_input_runs_first_by_its_own_shebang() {
    let scene = Scene::new();
    let python = "#!/usr/bin/env python3\nimport sys\nprint('theirs', sys.argv[1:], repr(sys.stdin.read()))\n";
    scene.world.script(scene.hook(), python);
    let before = scene.snapshot();
    scene.install();
    let input = [UPDATE, UPDATE, b"refs/heads/caf\xe9 x y z\n\n"].concat();
    let out = scene.run_hook(UPDATE, &[]);
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        format!("theirs ['origin', '../origin'] {:?}\n", String::from_utf8_lossy(UPDATE)).replace('"', "'")
    );
    assert!(scene.said().ends_with(&*String::from_utf8_lossy(UPDATE)));
    scene.run_hook(&input, &[]);
    assert!(fs::read(scene.world.path("said")).unwrap().ends_with(&input), "bytes that are no UTF-8 arrive");
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn a_hook_that_ignores_a_large_input_is_no_failure_and_ours_gets_all_of_it() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\nexit 0\n");
    scene.install();
    let input = UPDATE.repeat(20_000);
    assert_eq!(scene.run_hook(&input, &[]).status.code(), Some(0));
    assert_eq!(scene.said().len(), "args: hook pre-push origin ../origin\n".len() + input.len());
}

#[test]
fn a_chained_hooks_no_is_final() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\nexit 7\n");
    scene.install();
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(7));
    assert_eq!(scene.said(), "", "ours is not asked any more");
    fs::remove_file(&scene.binary).unwrap();
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(7), "also without our program");
}

#[test]
fn a_hook_that_is_not_executable_stays_so_and_does_not_run() {
    let scene = Scene::new();
    fs::write(scene.hook(), "#!/bin/sh\nexit 1\n").unwrap();
    let before = scene.snapshot();
    let plan = scene.install();
    assert_eq!(plan.notices, [Notice::NotExecutable(scene.hook())]);
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(0));
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn a_binary_hook_is_chained_and_restored() {
    let scene = Scene::new();
    fs::copy("/bin/false", scene.hook()).unwrap();
    scene.world.settle(&scene.hook());
    let before = scene.snapshot();
    scene.install();
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(1));
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn a_symlinked_hook_stays_a_symlink() {
    let scene = Scene::new();
    scene.world.script(scene.repository.join("tools/gate"), "#!/bin/sh\ncat > gate.out\n");
    std::os::unix::fs::symlink("../../tools/gate", scene.hook()).unwrap();
    let before = scene.snapshot();
    scene.install();
    assert!(scene.hooks().join(KEPT).is_symlink());
    scene.run_hook(UPDATE, &[]);
    assert_eq!(fs::read(scene.repository.join("gate.out")).unwrap(), UPDATE);
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn a_dangling_symlink_is_kept_as_it_is() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("nowhere", scene.hook()).unwrap();
    let before = scene.snapshot();
    scene.install();
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(0));
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn modes_and_odd_bytes_come_back() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), b"#!/bin/sh\r\n\xff\xfe no newline at the end");
    fs::set_permissions(scene.hook(), fs::Permissions::from_mode(0o751)).unwrap();
    let before = scene.snapshot();
    scene.install();
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn when_another_tool_has_replaced_our_hook_both_older_ones_are_kept_and_run() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\necho first\n");
    scene.install();
    fs::remove_file(scene.hook()).unwrap();
    scene.world.script(scene.hook(), "#!/bin/sh\necho second; cat >/dev/null\n");
    assert!(!scene.inspect().is_installed());
    scene.install();
    assert_eq!(String::from_utf8_lossy(&scene.run_hook(UPDATE, &[]).stdout), "first\nsecond\n");
    assert!(scene.said().ends_with(&*String::from_utf8_lossy(UPDATE)));
    let plan = scene.uninstall();
    assert_eq!(fs::read_to_string(scene.hook()).unwrap(), "#!/bin/sh\necho second; cat >/dev/null\n");
    assert_eq!(plan.notices, [Notice::LeftBeside(scene.hooks().join(KEPT))]);
}

#[test]
fn a_tool_that_writes_the_same_hook_again_is_not_kept_twice() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\necho lfs\n");
    let before = scene.snapshot();
    scene.install();
    fs::remove_file(scene.hook()).unwrap();
    scene.world.script(scene.hook(), "#!/bin/sh\necho lfs\n");
    scene.install();
    assert_eq!(scene.inspect().kept.len(), 1);
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn an_installation_that_broke_off_half_way_is_completed() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\nexit 5\n");
    let before = scene.snapshot();
    let plan =
        scene.inspect().plan_install(&Install { binary: &scene.binary, replace_edited: false, way: None }).unwrap();
    plan.steps.first().unwrap().apply(&scene.world.program(&scene.repository)).unwrap();
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(5), "their hook is in its place all the time");
    scene.install();
    assert_eq!(scene.inspect().kept.len(), 1);
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn edits_to_our_hook_are_noticed_and_never_lost() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\necho theirs\n");
    scene.install();
    let edited = fs::read_to_string(scene.hook()).unwrap() + "# mine\n";
    scene.world.script(scene.hook(), &edited);
    let plan = scene.install();
    assert_eq!((plan.steps.len(), plan.notices), (0, vec![Notice::EditedLeft(scene.hook())]));
    let replace = Install { binary: &scene.binary, replace_edited: true, way: None };
    scene.inspect().plan_install(&replace).unwrap().apply().unwrap();
    assert_eq!(fs::read_to_string(scene.hooks().join(ASIDE)).unwrap(), edited);
    assert!(matches!(scene.inspect().file, HookFile::Ours { .. }));
    scene.world.script(scene.hook(), &edited);
    let plan = scene.uninstall();
    let aside = scene.hooks().join(format!("{ASIDE}-2"));
    assert_eq!(plan.notices, [Notice::EditedKept(aside.clone())]);
    assert_eq!(fs::read_to_string(aside).unwrap(), edited);
    assert_eq!(fs::read_to_string(scene.hook()).unwrap(), "#!/bin/sh\necho theirs\n");
}

#[test]
fn an_edited_hook_of_ours_with_nothing_before_it_is_put_aside() {
    let scene = Scene::new();
    scene.install();
    let edited = fs::read_to_string(scene.hook()).unwrap() + "true\n";
    scene.world.script(scene.hook(), &edited);
    scene.uninstall();
    assert!(!scene.hook().exists());
    assert_eq!(fs::read_to_string(scene.hooks().join(ASIDE)).unwrap(), edited);
}

#[test]
fn another_binary_makes_a_new_hook_and_keeps_the_chain() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\nexit 9\n");
    let before = scene.snapshot();
    scene.install();
    let moved = scene.world.script("else/git-opensession", "#!/bin/sh\n");
    let install = Install { binary: &moved, replace_edited: false, way: None };
    let plan = scene.inspect().plan_install(&install).unwrap();
    assert_eq!(plan.steps.len(), 1);
    plan.apply().unwrap();
    scene.world.settle(&scene.hook());
    assert!(fs::read_to_string(scene.hook()).unwrap().contains("else/git-opensession"));
    scene.uninstall();
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn a_plan_is_not_applied_to_a_hook_that_changed_since() {
    let scene = Scene::new();
    let plan =
        scene.inspect().plan_install(&Install { binary: &scene.binary, replace_edited: false, way: None }).unwrap();
    scene.world.script(scene.hook(), "#!/bin/sh\n");
    assert!(matches!(plan.apply(), Err(HookError::Changed { path }) if path == scene.hook()));
    assert_eq!(fs::read_to_string(scene.hook()).unwrap(), "#!/bin/sh\n");
}

#[test]
fn under_pre_commit_our_hook_goes_on_living_as_its_legacy_hook() {
    let scene = Scene::new();
    scene.install();
    fs::rename(scene.hook(), scene.hooks().join(LEGACY)).unwrap();
    scene.world.script(scene.hook(), "#!/bin/sh\n# File generated by pre-commit: https://pre-commit.com\n");
    let inspection = scene.inspect();
    assert!(inspection.is_installed());
    assert_eq!(inspection.place, Some(scene.hooks().join(LEGACY)));
    assert!(scene.install().is_empty());
    scene.uninstall();
    assert!(scene.hook().exists() && !scene.hooks().join(LEGACY).exists());
}

#[test]
fn without_the_program_a_push_goes_on_with_one_line_unless_strict() {
    let scene = Scene::new();
    scene.install();
    fs::remove_file(&scene.binary).unwrap();
    let out = scene.run_hook(UPDATE, &[]);
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&out.stderr),
        "opensession: git-opensession is not installed here; its sessions wait for the next push\n"
    );
    for yes in ["1", "true", "True", "YES", "on", "oN"] {
        let out = scene.run_hook(UPDATE, &[("OPENSESSION_STRICT", yes)]);
        assert_eq!(out.status.code(), Some(1), "{yes}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("not installed"), "{out:?}");
    }
    scene.world.git(&scene.repository, "config opensession.strict yes");
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(1));
    for no in ["0", "false", "NO", "Off"] {
        assert_eq!(scene.run_hook(UPDATE, &[("OPENSESSION_STRICT", no)]).status.code(), Some(0), "{no}");
    }
}

#[test]
fn the_program_on_the_path_stands_in_for_the_one_that_moved() {
    let mut scene = Scene::new();
    scene.install();
    let elsewhere = scene.world.path("elsewhere");
    fs::rename(scene.binary.parent().unwrap(), &elsewhere).unwrap();
    let path = scene.world.environment.variables.get_mut(std::ffi::OsStr::new("PATH")).unwrap();
    *path = format!("{}:{}", elsewhere.display(), path.to_str().unwrap()).into();
    assert_eq!(scene.run_hook(UPDATE, &[]).status.code(), Some(0));
    assert!(scene.said().starts_with("args: hook pre-push origin"));
}

#[test]
fn a_program_that_breaks_down_never_blocks_a_push_unless_strict() {
    let scene = Scene::new();
    scene.install();
    for code in ["2", "101", "126", "139"] {
        let out = scene.run_hook(UPDATE, &[("CODE", code)]);
        assert_eq!(out.status.code(), Some(0), "{code}");
        assert!(String::from_utf8_lossy(&out.stderr).contains(&format!("exit code {code}")), "{out:?}");
        assert_eq!(scene.run_hook(UPDATE, &[("CODE", code), ("OPENSESSION_STRICT", "1")]).status.code(), Some(1));
    }
}
