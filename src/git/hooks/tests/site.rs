//! Where the hook belongs, and the way of newer gits.

use super::*;

#[test]
fn a_linked_worktree_and_a_submodule_have_their_own_place() {
    let scene = Scene::new();
    let world = &scene.world;
    world.git(&scene.repository, "worktree add -q ../w -b w");
    let inspection = Inspection::new(&world.program(world.path("w")), OLD_GIT).unwrap();
    assert_eq!(resolved(&inspection.place.unwrap()), scene.hook());
    world.repository("library");
    world.git(&scene.repository, "submodule add -q ../library sub");
    let inspection = Inspection::new(&world.program(scene.repository.join("sub")), OLD_GIT).unwrap();
    assert_eq!(
        inspection.folder,
        HookFolder::Own(scene.repository.join("sub/../.git/modules/sub/hooks").components().collect())
            .clone()
            .map_resolved()
    );
    inspection
        .plan_install(&Install { binary: &scene.binary, replace_edited: false, way: None })
        .unwrap()
        .apply()
        .unwrap();
    assert!(scene.repository.join(".git/modules/sub/hooks/pre-push").is_file());
}

impl HookFolder {
    fn map_resolved(self) -> Self {
        match self {
            Self::Own(path) => Self::Own(resolved(&path)),
            other => other,
        }
    }
}

#[test]
fn from_a_subfolder_and_in_a_bare_repository_the_place_is_the_same() {
    let scene = Scene::new();
    fs::create_dir(scene.repository.join("deep")).unwrap();
    let inspection = Inspection::new(&scene.world.program(scene.repository.join("deep")), OLD_GIT).unwrap();
    assert_eq!(inspection.place, Some(scene.hook()));
    let inspection = Inspection::new(&scene.world.program(scene.world.path("origin")), OLD_GIT).unwrap();
    assert_eq!(inspection.folder, HookFolder::Own(scene.world.path("origin/hooks")));
}

#[test]
fn a_hooks_folder_that_is_not_gits_is_never_written() {
    let scene = Scene::new();
    let refusal = |value: &str| {
        scene.world.git(&scene.repository, &format!("config core.hooksPath {value}"));
        let inspection = scene.inspect();
        (
            inspection.plan_install(&Install { binary: &scene.binary, replace_edited: true, way: None }).unwrap_err(),
            inspection.plan_uninstall().is_empty(),
        )
    };
    let foreign = |folder: PathBuf, manager| (Refusal::Foreign { folder, manager }, true);
    assert_eq!(refusal(".husky/_"), foreign(scene.repository.join(".husky/_"), Manager::Husky));
    assert_eq!(refusal("~/githooks"), foreign(scene.world.path("home/githooks"), Manager::Plain));
    assert!(!scene.world.path("home/githooks").exists() && !scene.repository.join("~").exists());
    assert_eq!(refusal("/dev/null"), (Refusal::Off, true));
    fs::write(scene.repository.join("lefthook.yml"), "").unwrap();
    assert_eq!(refusal("tools"), foreign(scene.repository.join("tools"), Manager::Lefthook));
    let (refused, _) = refusal(".husky/_");
    assert!(refused.to_string().contains(".husky/pre-push") && refused.to_string().contains("hook pre-push \"$@\""));
    // A path inside the git folder is ours to write.
    scene.world.git(&scene.repository, "config core.hooksPath .git/my-hooks");
    scene.install();
    assert!(scene.repository.join(".git/my-hooks/pre-push").is_file());
}

#[test]
fn a_hooks_folder_that_is_a_link_into_the_work_tree_is_not_written() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.hooks()).unwrap();
    fs::create_dir(scene.repository.join("githooks")).unwrap();
    std::os::unix::fs::symlink("../githooks", scene.hooks()).unwrap();
    assert!(matches!(scene.inspect().folder, HookFolder::WorkTree(_)));
}

#[test]
fn a_call_of_ours_added_by_hand_counts_as_installed() {
    let scene = Scene::new();
    scene.world.git(&scene.repository, "config core.hooksPath .husky/_");
    assert!(!scene.inspect().is_installed());
    scene.world.script(scene.repository.join(".husky/pre-push"), Manager::Husky.lines());
    assert!(scene.inspect().is_installed());
    assert!(scene.install().is_empty());
}

/// Looks as a git that reads hooks from its configuration.
fn look(scene: &Scene) -> Inspection {
    Inspection::new(&scene.world.program(&scene.repository), NEW_GIT).unwrap()
}

fn install(scene: &Scene, way: Option<Way>) -> Install<'_> {
    Install { binary: &scene.binary, replace_edited: false, way }
}

fn keys(scene: &Scene) -> ConfigHook {
    look(scene).config
}

#[test]
fn with_a_new_git_the_hook_is_two_keys_and_goes_without_a_trace() {
    let scene = Scene::new();
    // Their own last line, without a line feed, is no reason to touch it.
    let config = scene.repository.join(".git/config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.trim_end()).unwrap();
    let before = scene.snapshot();
    let plan = look(&scene).plan_install(&install(&scene, None)).unwrap();
    assert!(plan.steps.iter().all(|step| matches!(step, Step::SetConfig { .. })) && plan.steps.len() == 2);
    plan.apply().unwrap();
    let inspection = look(&scene);
    assert_eq!(inspection.config.events, ["pre-push"]);
    assert!(inspection.is_installed() && !scene.inspect().is_installed(), "an older git does not know these keys");
    assert!(inspection.plan_install(&install(&scene, None)).unwrap().is_empty());
    look(&scene).plan_uninstall().apply().unwrap();
    let mut after = scene.snapshot();
    // git itself ends the file with a line feed when it writes it.
    after.get_mut(&config).unwrap().2.truncate(before[&config].2.len());
    assert_eq!(after, before);
}

#[test]
fn with_a_new_git_a_hook_that_is_there_runs_first_all_the_same() {
    let scene = Scene::new();
    look(&scene).plan_install(&install(&scene, None)).unwrap().apply().unwrap();
    // It comes later, and git would run it after ours.
    scene.world.script(scene.hook(), "#!/bin/sh\necho theirs\n");
    assert_eq!(look(&scene).runs_after(), Some(scene.hook().as_path()));
    look(&scene).plan_install(&install(&scene, None)).unwrap().apply().unwrap();
    assert_eq!(keys(&scene), ConfigHook::default());
    assert!(matches!(look(&scene).file, HookFile::Ours { .. }) && look(&scene).kept.len() == 1);
    assert!(look(&scene).plan_install(&install(&scene, None)).unwrap().is_empty());
    assert_eq!(look(&scene).runs_after(), None);
}

#[test]
fn the_way_that_was_asked_for_is_taken_and_stays() {
    let scene = Scene::new();
    scene.world.script(scene.hook(), "#!/bin/sh\necho theirs\n");
    scene.install();
    assert!(look(&scene).plan_install(&install(&scene, None)).unwrap().is_empty(), "a file stays a file");
    let plan = look(&scene).plan_install(&install(&scene, Some(Way::Config))).unwrap();
    assert_eq!(plan.notices, [Notice::RunsAfter(scene.hook())]);
    plan.apply().unwrap();
    assert_eq!(fs::read_to_string(scene.hook()).unwrap(), "#!/bin/sh\necho theirs\n");
    assert!(scene.inspect().kept.is_empty() && look(&scene).is_installed());
    fs::remove_file(scene.hook()).unwrap();
    assert!(look(&scene).plan_install(&install(&scene, None)).unwrap().is_empty(), "and keys stay keys");
    look(&scene).plan_install(&install(&scene, Some(Way::File))).unwrap().apply().unwrap();
    assert_eq!(keys(&scene), ConfigHook::default());
    assert!(scene.inspect().is_installed());
    let refused = scene.inspect().plan_install(&install(&scene, Some(Way::Config))).unwrap_err();
    assert_eq!(refused, Refusal::TooOld(OLD_GIT));
}

#[test]
fn the_configured_command_behaves_as_the_hook_file_does() {
    let scene = Scene::new();
    look(&scene).plan_install(&install(&scene, None)).unwrap().apply().unwrap();
    let command = scene.world.git(&scene.repository, "config hook.opensession.command");
    // As git's run-command.c does it: `sh -c '<command> "$@"' '<command>' arguments`.
    let run = |variables: &[(&str, &str)]| {
        Command::new("sh")
            .args(["-c", &format!("{command} \"$@\""), &command, "origin", "../origin"])
            .current_dir(&scene.repository)
            .env_clear()
            .envs(&scene.world.environment.variables)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(run(&[]), Some(0));
    assert_eq!(scene.said(), "args: hook pre-push origin ../origin\n");
    assert_eq!(run(&[("CODE", "1")]), Some(1));
    assert_eq!(run(&[("CODE", "101")]), Some(0));
    assert_eq!(run(&[("CODE", "101"), ("OPENSESSION_STRICT", "Yes")]), Some(1));
    fs::remove_file(&scene.binary).unwrap();
    assert_eq!(run(&[]), Some(0));
    assert_eq!(run(&[("OPENSESSION_STRICT", "true")]), Some(1));
}

#[test]
fn a_hook_switched_off_in_the_configuration_is_said_so() {
    let scene = Scene::new();
    look(&scene).plan_install(&install(&scene, None)).unwrap().apply().unwrap();
    scene.world.git(&scene.repository, "config hook.opensession.enabled false");
    assert!(!look(&scene).is_installed());
    assert_eq!(look(&scene).plan_install(&install(&scene, None)).unwrap().notices, [Notice::Disabled]);
}

#[test]
fn outside_of_a_repository_it_is_said_so() {
    let world = World::new();
    let error = Inspection::new(&world.program(world.path("home")), OLD_GIT).unwrap_err();
    assert!(error.to_string().contains("not a git repository"), "{error}");
}
