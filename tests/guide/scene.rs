// What the examples on the library's front page need around them: a home with the log of one session, and a repository
// with the commit that it led to. They include it; it is no test of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

struct Scene {
    root: tempfile::TempDir,
    variables: BTreeMap<OsString, OsString>,
}

impl Scene {
    fn new() -> Done<Self> {
        let mut variables: BTreeMap<OsString, OsString> = BTreeMap::new();
        variables.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "Ann"),
            ("GIT_AUTHOR_EMAIL", "ann@example.com"),
            ("GIT_COMMITTER_NAME", "Ann"),
            ("GIT_COMMITTER_EMAIL", "ann@example.com"),
            ("GIT_COMMITTER_DATE", "2026-03-06T12:00:00Z"),
        ] {
            variables.insert(name.into(), value.into());
        }
        let scene = Self { root: tempfile::tempdir()?, variables };
        let logs = scene.home().join(".claude/projects/work");
        std::fs::create_dir_all(&logs)?;
        std::fs::create_dir_all(scene.folder())?;
        std::fs::write(logs.join("aaaa.jsonl"), log(&scene.folder()))?;
        std::fs::write(scene.folder().join("hello.txt"), "hello, world\n")?;
        scene.git(&["init", "-q", "-b", "main"])?;
        scene.git(&["add", "hello.txt"])?;
        scene.git(&["commit", "-q", "-m", "say hello"])?;
        Ok(scene)
    }

    fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// A session as HAIL.
    #[allow(dead_code, reason = "not every example needs it")]
    fn hail(&self) -> &'static str {
        concat!(
            r#"{"type":"header","version":"hail-1.0.0","session_id":"s","agent":{"provider":"anthropic","model":"m","#,
            r#""tool":"claude-code"},"context":{"title":"make it say hello","tags":[],"#,
            r#""created_at":"2026-03-06T11:59:00Z","updated_at":"2026-03-06T11:59:00Z"}}"#,
            "\n",
            r#"{"type":"event","event_id":"e","timestamp":"2026-03-06T11:59:00Z","event_type":{"type":"UserMessage"},"#,
            r#""content":{"blocks":[{"type":"Text","text":"make it say hello"}]}}"#,
            "\n{\"type\":\"stats\"}\n"
        )
    }

    fn git(&self, arguments: &[&str]) -> Done {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.folder());
        command.env_clear().envs(&self.variables).env("HOME", self.home());
        let status = command.status()?;
        if status.success() { Ok(()) } else { Err(format!("git {arguments:?}: {status}").into()) }
    }
}

/// A session of Claude Code that writes `hello.txt`.
fn log(cwd: &Path) -> String {
    let file = cwd.join("hello.txt");
    let mut lines = String::new();
    for (n, (kind, rest)) in [
        ("user", serde_json::json!({"message": {"role": "user", "content": "make it say hello"}})),
        ("assistant", serde_json::json!({"requestId": "req_1", "message": {"id": "msg_1", "type": "message",
            "role": "assistant", "model": "claude-opus-4-6", "usage": {"input_tokens": 10, "output_tokens": 5},
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "Write",
                "input": {"file_path": file, "content": "hello, world\n"}}]}})),
        ("user", serde_json::json!({"message": {"role": "user", "content": [{"type": "tool_result",
            "tool_use_id": "toolu_1", "content": "File created successfully", "is_error": false}]},
            "toolUseResult": {"type": "create", "filePath": file, "content": "hello, world\n", "structuredPatch": []}})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut record = serde_json::json!({"isSidechain": false, "userType": "external", "cwd": cwd,
            "sessionId": "aaaa", "version": "2.1.62", "gitBranch": "main", "type": kind, "uuid": format!("aaaa-{n}"),
            "parentUuid": n.checked_sub(1).map(|n| format!("aaaa-{n}")),
            "timestamp": format!("2026-03-06T11:59:{n:02}Z")});
        if let (Some(record), Some(rest)) = (record.as_object_mut(), rest.as_object()) {
            record.extend(rest.clone());
        }
        lines.push_str(&record.to_string());
        lines.push('\n');
    }
    lines
}
